package site

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/reverseproxy"
)

func TestNginxConfig(t *testing.T) {
	t.Parallel()
	config := Nginx{
		Apps: []App{
			{"127.0.0.1:5000", "localhost", "/"}, {"127.0.0.1:5001", "localhost", "/shop/"}, {"127.0.0.1:5002", "admin.localhost", "/"},
		},
		Addresses: []string{"127.0.0.1:8080", "[::1]:8080"}, Certificate: "/c.crt", Key: "/c.key",
		Fields: []Field{{"X-Forwarded-Proto", "$scheme"}},
	}
	plain, err := config.text()
	if err != nil {
		t.Fatal(err)
	}
	config.TLS, config.Program = true, reverseproxy.Program{User: "root"}
	secure, err := config.text()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		lines         string // without the space before them
		plain, secure int    // how often
	}{
		{"access_log off;", 1, 1},
		{"worker_processes auto;", 1, 1},
		{"upstream app1 {\nserver 127.0.0.1:5001;\nkeepalive 256;\n", 1, 1},
		{`proxy_set_header Connection "";`, 1, 1},
		{`proxy_set_header X-Forwarded-Proto "$scheme";`, 1, 1},
		{"listen 127.0.0.1:8080 reuseport;\nlisten [::1]:8080 reuseport;\nserver_name localhost;\n", 1, 0},
		{"listen 127.0.0.1:8080;\nlisten [::1]:8080;\nserver_name admin.localhost;\n", 1, 0},
		{"listen 127.0.0.1:8080 ssl reuseport;\n", 0, 1},
		{"listen 127.0.0.1:8080 ssl;\n", 0, 1},
		{"ssl_certificate /c.crt;\nssl_certificate_key /c.key;\n", 0, 2},
		{"location / {\nproxy_pass http://app0;\n}\nlocation /shop/ {\nproxy_pass http://app1/;\n}\n}\n", 1, 1},
		{"location / {\nproxy_pass http://app2;\n}\n}\n", 1, 1},
		{"user root;", 0, 1},
		{"proxy_buffering", 0, 0}, // it is as nginx has it
	} {
		if a, b := strings.Count(trimmed(plain), test.lines), strings.Count(trimmed(secure), test.lines); a != test.plain || b != test.secure {
			t.Errorf("%q is there %d and %d times in\n%s\n%s", test.lines, a, b, plain, secure)
		}
	}
}

// trimmed is text with nothing before its lines.
func trimmed(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimLeft(line, " "))
	}
	return out.String()
}

func TestAnyHost(t *testing.T) {
	t.Parallel()
	text, err := Nginx{Apps: []App{{Address: "127.0.0.1:5000", Path: "/"}}, Addresses: []string{"127.0.0.1:80"}}.text()
	if err != nil || strings.Contains(text, "server_name") || !strings.Contains(text, "proxy_pass http://app0;") {
		t.Errorf("got %v\n%s", err, text)
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	if err := withHint(&hinted{}); err.Error() != "it fails; mend it" {
		t.Errorf("got %v", err)
	}
	if err := withHint(fmt.Errorf("no %w", os.ErrExist)); !errors.Is(err, os.ErrExist) || strings.Contains(err.Error(), ";") {
		t.Errorf("got %v", err)
	}
	if err := withHint(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

type hinted struct{}

func (*hinted) Error() string { return "it fails" }
func (*hinted) Hint() string  { return "mend it" }

func TestLoopback(t *testing.T) {
	t.Parallel()
	got := Loopback(8080)
	if got[0] != "127.0.0.1:8080" || !slices.Contains([]string{"", "[::1]:8080"}, strings.Join(got[1:], " ")) {
		t.Errorf("got %q", got)
	}
}
