package servers

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

// TestBinding has the rows of the binding syntax (reference: servers.md, 3.5) that TestAllAddresses does not have: where each is
// reached, and which are refused.
func TestBinding(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for url, c := range map[string]struct {
		four, six bool
		refused   string
	}{
		"http://[::]:0":        {four: true, six: true},
		"http://[::1]:0":       {six: true},
		"http://+:0":           {four: true, six: true},
		"http://*.local:0":     {four: true, six: true},
		"http://a.localhost:0": {four: true, six: true},
		"http://unix:" + filepath.Join(dir, "x.sock") + ":/base": {refused: "has no path"},
		"http://127.0.0.1:0/base":                                {refused: "has no path"},
		"http://pipe:/x":                                         {refused: "named pipes are not supported"},
		"gopher://127.0.0.1:0":                                   {refused: `"gopher"`},
		"http://127.0.0.1:NOTAPORT":                              {refused: "is not a number"},
	} {
		if !c.four && c.six && !hasIPv6() {
			continue
		}
		r := start(t, hello, map[string]string{"ASPNETCORE_URLS": url})
		if c.refused != "" {
			if err := r.wait(t); err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("%s: got %v, want %q and a hint", url, err, c.refused)
			}
			continue
		}
		bound := r.url(t)
		port := bound[strings.LastIndexByte(bound, ':'):]
		for host, want := range map[string]bool{"http://127.0.0.1": c.four, "http://[::1]": c.six && hasIPv6()} {
			if _, err := get(host + port); (err == nil) != want {
				t.Errorf("%s is %s: by %s got %v, want %v", url, bound, host, err, want)
			}
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// One loopback address is enough where the system does not have the other.
func TestOneLoopback(t *testing.T) {
	t.Parallel()
	missing := netip.MustParseAddrPort("192.0.2.1:0") // RFC 5737
	listeners, err := listenSamePort([]netip.AddrPort{missing, netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil || len(listeners) != 1 {
		t.Fatalf("got %v, %v", listeners, err)
	}
	if err := closeListeners(listeners); err != nil {
		t.Error(err)
	}
	if _, err := listenSamePort([]netip.AddrPort{missing, missing}); err == nil || strings.Count(err.Error(), "no such address") != 2 {
		t.Errorf("both missing: got %v", err)
	}
}

// Addresses override ports with a warning (reference: servers.md, 3.6).
func TestPortsOverridden(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"ASPNETCORE_HTTP_PORTS", "DOTNET_HTTPS_PORTS", "HTTP_PORTS"} {
		var log logged
		r := start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://127.0.0.1:0", variable: "81"}, log.option())
		r.url(t)
		r.stop()
		if err := r.wait(t); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "addresses override ports") || !strings.Contains(log.String(), "overridden="+variable) {
			t.Errorf("%s: logged %s", variable, log.String())
		}
	}
}
