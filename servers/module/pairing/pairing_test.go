package pairing

import (
	"errors"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		port, path, token, sockets string
		want                       Pairing
		ok                         bool
	}{
		"none":           {},
		"no token":       {port: "5000", path: "/"},
		"no path":        {port: "5000", token: "t"},
		"no port":        {path: "/", token: "t"},
		"root":           {"5000", "/", "t", "", Pairing{5000, "", "t", true}, true},
		"sub":            {"5000", "/app", "t", "true", Pairing{5000, "/app", "t", true}, true},
		"slash at end":   {"5000", "/app/", "t", "", Pairing{5000, "/app", "t", true}, true},
		"no slash":       {" 5000 ", "app", "t", "", Pairing{5000, "/app", "t", true}, true},
		"no web sockets": {"5000", "/", "t", "False", Pairing{5000, "", "t", false}, true},
	} {
		env := map[string]string{PortVariable: c.port, PathVariable: c.path, TokenVariable: c.token, WebSocketsVariable: c.sockets}
		got, ok, err := FromEnvironment(func(name string) string { return env[name] })
		if got != c.want || ok != c.ok || err != nil {
			t.Errorf("%s: got %+v, %v, %v", name, got, ok, err)
		}
	}
	for _, port := range []string{"0", "70000", "x", "-1"} {
		env := map[string]string{PortVariable: port, PathVariable: "/", TokenVariable: "t"}
		_, _, err := FromEnvironment(func(name string) string { return env[name] })
		if e, ok := errors.AsType[*Error](err); !ok || e.Value != port || e.Hint() == "" {
			t.Errorf("port %q: got %v", port, err)
		}
	}
}
