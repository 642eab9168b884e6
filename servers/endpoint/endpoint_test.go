package endpoint

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func must(t *testing.T, s string) Endpoint {
	t.Helper()
	e, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAddrs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][]string{
		"http://localhost:5000":            {"127.0.0.1:5000", "[::1]:5000"},
		"http://LocalHost:5000":            {"127.0.0.1:5000", "[::1]:5000"},
		"http://shop.dev.localhost:5000":   {"127.0.0.1:5000", "[::1]:5000"},
		"http://*:5000":                    {"[::]:5000"},
		"http://+:5000":                    {"[::]:5000"},
		"http://[::]:5000":                 {"[::]:5000"},
		"http://0.0.0.0:5000":              {"0.0.0.0:5000"},
		"http://api.local:5000":            {"[::]:5000"},
		"http://notlocalhost:5000":         {"[::]:5000"},
		"http://10.1.2.3:5000":             {"10.1.2.3:5000"},
		"http://[::ffff:127.0.0.1]:5000":   {"127.0.0.1:5000"},
		"http://[fe80::1%25eth0]:0":        {"[fe80::1%eth0]:0"},
		"http://unix:/run/app.sock":        nil,
		"https://127.0.0.1":                {"127.0.0.1:443"},
		"http://[::1]:0":                   {"[::1]:0"},
		"http://*.example.com:8080/shop":   {"[::]:8080"},
		"http://bücher.example:8080/shop/": {"[::]:8080"},
	} {
		var got []string
		for _, a := range must(t, url).Addrs() {
			got = append(got, a.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

func TestIsWildcard(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://*:1":             true,
		"http://+:1":             true,
		"http://0.0.0.0:1":       true,
		"http://[::]:1":          true,
		"http://[::ffff:0:0]:1":  true,
		"http://api.local:1":     true,
		"http://localhost:1":     false,
		"http://LOCALHOST:1":     false,
		"http://a.localhost:1":   false,
		"http://127.0.0.1:1":     false,
		"http://[::1]:1":         false,
		"http://unix:/run/x":     false,
		"http://192.168.0.7:443": false,
	} {
		if got := must(t, url).IsWildcard(); got != want {
			t.Errorf("%s: got %v, want %v", url, got, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, listening string
		want           bool
	}{
		{"http://localhost:5000", "127.0.0.1:5000", true},
		{"http://localhost:5000", "[::1]:5000", true},
		{"http://localhost:5000", "0.0.0.0:5000", true},
		{"http://localhost:5000", "[::]:5000", true},
		{"http://localhost:5000", "127.0.0.1:5001", false},
		{"http://localhost:5000", "10.0.0.1:5000", false},
		{"http://localhost:5000", "[::ffff:127.0.0.1]:5000", true},
		{"http://shop.localhost:5000", "127.0.0.1:5000", true},
		{"http://localhost:0", "127.0.0.1:41000", true},
		{"http://localhost:0", "10.0.0.1:41000", false},
		{"http://127.0.0.1:5000", "127.0.0.1:5000", true},
		{"http://127.0.0.1:5000", "[::]:5000", true},
		{"http://127.0.0.1:5000", "0.0.0.0:5000", true},
		{"http://127.0.0.1:5000", "[::1]:5000", false},
		{"http://127.0.0.1:5000", "127.0.0.2:5000", false},
		{"http://[::1]:5000", "[::1]:5000", true},
		{"http://[::1]:5000", "[::]:5000", true},
		{"http://[::1]:5000", "0.0.0.0:5000", false},
		{"http://[::1]:5000", "127.0.0.1:5000", false},
		{"http://[fe80::1%25eth0]:5000", "[fe80::1]:5000", true},
		{"http://*:5000", "127.0.0.1:5000", true},
		{"http://*:5000", "[::]:5000", true},
		{"http://*:5000", "[::]:5001", false},
		{"http://api.local:5000", "10.0.0.1:5000", true},
		{"http://*:0", "[::]:40000", true},
		{"http://unix:/run/x.sock", "127.0.0.1:80", false},
	} {
		if got := must(t, c.url).Accepts(netip.MustParseAddrPort(c.listening)); got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.url, c.listening, got, c.want)
		}
	}
	if must(t, "http://*:0").Accepts(netip.AddrPort{}) {
		t.Error("the zero address is accepted")
	}
}

func TestBrowse(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://*:5000/shop":        "http://localhost:5000/shop",
		"https://+:5001":            "https://localhost:5001",
		"http://0.0.0.0:5000":       "http://localhost:5000",
		"http://[::]:5000":          "http://localhost:5000",
		"http://*.example.com:80":   "http://localhost:80",
		"http://api.local:5000":     "http://api.local:5000",
		"http://[::1]:5000":         "http://[::1]:5000",
		"http://[fe80::1%eth0]:1":   "http://[fe80::1%25eth0]:1",
		"http://shop.localhost:1":   "http://shop.localhost:1",
		"http://unix:/run/app.sock": "",
	} {
		if got := must(t, url).Browse(); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

func TestWithPort(t *testing.T) {
	t.Parallel()
	if got, want := must(t, "http://*:0").WithPort(5000), must(t, "http://*:5000"); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	socket := must(t, "http://unix:/run/x.sock")
	if got := socket.WithPort(5000); got != socket {
		t.Errorf("a unix socket was given a port: %v", got)
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	var none Endpoint
	if none.String() != "" || none.Browse() != "" || none.IsWildcard() || none.Addrs() != nil {
		t.Errorf("the zero Endpoint is something: %#v", none)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	want := must(t, "https://[::1]:7443/base")
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Endpoint
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
