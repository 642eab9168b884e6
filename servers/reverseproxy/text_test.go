package reverseproxy

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

var update = flag.Bool("update", false, "write the golden files anew")

// published are public addresses.
func published(t *testing.T, urls ...string) (list []Public) {
	t.Helper()
	for _, text := range urls {
		list = append(list, Public{Endpoint: url(t, text)})
	}
	return list
}

func TestTextGolden(t *testing.T) {
	t.Parallel()
	nginx := Program{Kind: Nginx, Version: "1.22.1"}
	apache := Program{Kind: Apache, Version: "2.4.71", Modules: "/usr/lib/apache2/modules"}
	as := func(p Program, change func(*Program)) Program {
		change(&p)
		return p
	}
	usual := published(t, "http://localhost:5000", "https://localhost:5001")
	for name, c := range map[string]Config{
		"nginx-usual":  {Program: nginx, Public: usual, App: url(t, "http://127.0.0.1:40001")},
		"apache-usual": {Program: apache, Public: usual, App: url(t, "http://127.0.0.1:40001")},
		"nginx-recent-root": {Program: as(nginx, func(p *Program) { p.Version, p.User = "1.27.4", "root" }),
			Public: published(t, "https://*:443", "https://api.localhost:443", "http://192.0.2.1:80", "http://unix:/run/web 1.sock"),
			App:    url(t, "http://unix:/run/app 1.sock"), MaxBody: -1, Timeout: 1500 * time.Millisecond},
		"apache-root": {Program: as(apache, func(p *Program) { p.User, p.Group = "www-data", "www-data" }),
			Public: published(t, "https://*:443", "https://api.localhost:443", "http://192.0.2.1:80"),
			App:    url(t, "http://unix:/run/app 1.sock"), MaxBody: -1, Timeout: 1500 * time.Millisecond},
		"nginx-ipv4":  {Program: nginx, Public: published(t, "http://localhost:5000", "http://*:6000"), App: url(t, "http://localhost:40001"), MaxBody: 1000, IPv4Only: true},
		"apache-ipv4": {Program: apache, Public: published(t, "http://localhost:5000", "http://*:6000"), App: url(t, "http://[::1]:40001"), MaxBody: 1000, IPv4Only: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			got, path := c.Text(), filepath.Join("testdata", name+".conf")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.ReplaceAll(string(want), "\r\n", "\n") != strings.ReplaceAll(got, `\`, "/") { // Windows joins the modules' paths in its own way
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind   Kind
		public []string
		app    string
		want   string // part of the error, "" for none
	}{
		{Nginx, []string{"http://localhost:5000"}, "http://127.0.0.1:1", ""},
		{Nginx, []string{"http://localhost:5000", "http://*:5000"}, "http://127.0.0.1:1", ""},
		{Nginx, []string{"http://localhost:0", "https://localhost:0"}, "http://127.0.0.1:1", ""},
		{Nginx, []string{"http://127.0.0.1:5000", "https://[::1]:5000"}, "http://127.0.0.1:1", ""},
		{Nginx, []string{"http://unix:/run/x.sock"}, "http://unix:/run/y.sock", ""},
		{Nginx, nil, "http://127.0.0.1:1", "no address to listen on"},
		{Nginx, []string{"http://localhost:5000/shop"}, "http://127.0.0.1:1", "path base"},
		{Nginx, []string{"http://localhost:5000", "https://*:5000"}, "http://127.0.0.1:1", "same socket"},
		{Nginx, []string{"http://unix:/run/x.sock", "https://unix:/run/x.sock"}, "http://127.0.0.1:1", "same socket"},
		{Nginx, []string{"http://unix:/run/x\".sock"}, "http://127.0.0.1:1", "character"},
		{Nginx, []string{"http://[fe80::1%25eth0]:5000"}, "http://127.0.0.1:1", "zone"},
		{Nginx, []string{"http://localhost:5000"}, "http://unix:/run/$y.sock", "character"},
		{Nginx, []string{"http://localhost:5000"}, "https://127.0.0.1:1", "plain http"},
		{Nginx, []string{"http://localhost:5000"}, "http://*:1", "IP address"},
		{Apache, []string{"http://unix:/run/x.sock"}, "http://127.0.0.1:1", "cannot listen on a unix socket"},
		{"lighttpd", []string{"http://localhost:5000"}, "http://127.0.0.1:1", "no front"},
	} {
		c := Config{Program: Program{Kind: test.kind}, Public: published(t, test.public...), App: url(t, test.app)}
		err := c.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %v for %s: got %v, want %q", test.kind, test.public, test.app, err, test.want)
		}
	}
	c := Config{Program: Program{Kind: Nginx}, Public: published(t, "http://localhost:1")}
	if _, ok := errors.AsType[*EndpointError](c.Check()); !ok {
		t.Error("a front without an app is taken")
	}
	c.App, c.Public[0].Endpoint = url(t, "http://127.0.0.1:1"), endpoint.Endpoint{}
	if _, ok := errors.AsType[*EndpointError](c.Check()); !ok {
		t.Error("an endpoint that is none is taken")
	}
}
