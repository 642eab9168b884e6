package servers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		urls []string
		want []string // source and address; or
		errs []string // what the error says
	}{
		"nothing": {want: []string{"the default http://localhost:5000"}},
		"blank": {env: map[string]string{"ASPNETCORE_URLS": " ; ", "PORT": " ", "HTTP_PORTS": ";"},
			want: []string{"the default http://localhost:5000"}},
		"urls": {env: map[string]string{"ASPNETCORE_URLS": "http://localhost:5080; http://*:81/", "DOTNET_URLS": "http://x:1", "HTTP_PORTS": "2", "PORT": "3"},
			want: []string{"ASPNETCORE_URLS http://localhost:5080", "ASPNETCORE_URLS http://*:81"}},
		"dotnet urls": {env: map[string]string{"DOTNET_URLS": "http://x:1", "ASPNETCORE_HTTP_PORTS": "2"},
			want: []string{"DOTNET_URLS http://x:1"}},
		"ports": {env: map[string]string{"HTTP_PORTS": "8080; 8081;", "PORT": "3"},
			want: []string{"HTTP_PORTS http://*:8080", "HTTP_PORTS http://*:8081"}},
		"prefixed ports": {env: map[string]string{"ASPNETCORE_HTTP_PORTS": "8080", "DOTNET_HTTP_PORTS": "1", "HTTP_PORTS": "2"},
			want: []string{"ASPNETCORE_HTTP_PORTS http://*:8080"}},
		"port":       {env: map[string]string{"PORT": "8080"}, want: []string{"PORT http://*:8080"}},
		"any port":   {env: map[string]string{"PORT": "0"}, want: []string{"PORT http://*:0"}},
		"code":       {env: map[string]string{"ASPNETCORE_URLS": "http://x:1"}, urls: []string{"http://a:1;http://b:2", "http://c:3"}, want: []string{"WithURLs http://a:1", "WithURLs http://b:2", "WithURLs http://c:3"}},
		"empty code": {env: map[string]string{"PORT": "1"}, urls: []string{""}, want: []string{"PORT http://*:1"}},
		"twice":      {env: map[string]string{"ASPNETCORE_URLS": "http://x:80;http://x/"}, want: []string{"ASPNETCORE_URLS http://x:80"}},
		"unix":       {env: map[string]string{"ASPNETCORE_URLS": "http://unix:/run/x.sock"}, want: []string{"ASPNETCORE_URLS http://unix:/run/x.sock"}},
		"bad port":   {env: map[string]string{"PORT": "http"}, errs: []string{`PORT: "http" is not a port`}},
		"bad ports":  {env: map[string]string{"HTTP_PORTS": "80;x", "HTTPS_PORTS": "99999"}, errs: []string{"HTTP_PORTS: ", `"x"`, "HTTPS_PORTS: ", "99999"}},
		"comma":      {env: map[string]string{"HTTP_PORTS": "80,81"}, errs: []string{`HTTP_PORTS: "80,81" is not a port`}},
		"port URL":   {env: map[string]string{"PORT": "http://x:80"}, errs: []string{`PORT: "http://x:80" is not a port`}},
		"bad urls": {env: map[string]string{"ASPNETCORE_URLS": "localhost:1;https://b:2;http://c:3/api;http://d:4"},
			errs: []string{`ASPNETCORE_URLS: "localhost:1" is not a URL`, "http://c:3/api", "has no path"}},
		"https ports": {env: map[string]string{"HTTPS_PORTS": "443"}, want: []string{"HTTPS_PORTS https://*:443"}},
	} {
		o := options{urls: c.urls, process: process{getenv: func(name string) string { return c.env[name] }}}
		list, err := o.endpoints(false)
		if c.errs != nil {
			for _, want := range c.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want an error with %q", name, err, want)
				}
			}
			if problem, ok := errors.AsType[*AddressError](err); !ok || problem.Hint() == "" {
				t.Errorf("%s: no *AddressError with a hint in %v", name, err)
			}
			continue
		}
		var got []string
		for _, a := range list {
			got = append(got, a.Source+" "+a.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
