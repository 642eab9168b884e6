package servers

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
)

// shared gives the site and the options of an app under httpsys, with what it logs.
func shared(t *testing.T, env map[string]string, opts ...Option) (*Site, httpsys.Options, string, error) {
	t.Helper()
	env["GORUN_SERVER"] = "httpsys"
	var log strings.Builder
	a := New(hello, append([]Option{inWorld(env, os.Stderr), WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}, opts...)...)
	site, server, err := a.site()
	if err != nil {
		return nil, httpsys.Options{}, log.String(), err
	}
	return site, server.(*httpSys).options, log.String(), nil
}

func urlsOfSite(s *Site) (all []string) {
	for _, e := range s.Endpoints {
		all = append(all, e.String()+" "+e.Source)
	}
	return all
}

func TestHTTPSysAddresses(t *testing.T) {
	t.Parallel()
	prefixes := WithHTTPSys(httpsys.Options{UrlPrefixes: []string{"http://+:80/base/"}})
	urls := "http://localhost:5001/below;http://*:5002"
	for name, c := range map[string]struct {
		env  map[string]string
		opts []Option
		want []string
		log  string
	}{
		"the default":      {nil, nil, []string{"http://localhost:5000 the default"}, ""},
		"URLs with a path": {map[string]string{"ASPNETCORE_URLS": urls}, nil, []string{"http://localhost:5001/below ASPNETCORE_URLS", "http://*:5002 ASPNETCORE_URLS"}, ""},
		"prefixes win":     {map[string]string{"ASPNETCORE_URLS": urls}, []Option{prefixes}, []string{"http://+:80/base UrlPrefixes"}, "override"},
		"URLs preferred": {map[string]string{"ASPNETCORE_URLS": urls}, []Option{prefixes, WithPreferredURLs()},
			[]string{"http://localhost:5001/below ASPNETCORE_URLS", "http://*:5002 ASPNETCORE_URLS"}, ""},
		"attached":   {map[string]string{"HttpSys__RequestQueueMode": "Attach", "HttpSys__RequestQueueName": "q"}, nil, nil, ""},
		"a variable": {map[string]string{"HttpSys__UrlPrefixes": "http://a.localhost:1/"}, nil, []string{"http://a.localhost:1 UrlPrefixes"}, ""},
	} {
		env := map[string]string{}
		for k, v := range c.env {
			env[k] = v
		}
		site, _, log, err := shared(t, env, c.opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := urlsOfSite(site); !slices.Equal(got, c.want) || !strings.Contains(log, c.log) {
			t.Errorf("%s: got %q, want %q; log: %s", name, got, c.want, log)
		}
	}
}

// TestHTTPSysOptions: code wins over variables, and those over files.
func TestHTTPSysOptions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "appsettings.json")
	text := `{"HttpSys": {"RequestQueueName": "file", "RequestQueueLimit": 1, "Http503Verbosity": "Full", "Timeouts": {"HeaderWait": "00:00:05"}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HttpSys__RequestQueueLimit": "2", "HttpSys__RequestQueueName": "variable", "HttpSys__MaxAcepts": "1"}
	_, got, log, err := shared(t, env, WithConfigFiles(file), WithHTTPSys(httpsys.Options{RequestQueueName: "code"}))
	if err != nil {
		t.Fatal(err)
	}
	if got.RequestQueueName != "code" || got.RequestQueueLimit != 2 || got.Http503Verbosity != httpsys.Full || got.Timeouts.HeaderWait != 5*time.Second {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(log, "MaxAccepts") {
		t.Errorf("a mistyped key is not told: %s", log)
	}
}

// TestHTTPSysRefuses has what cannot be registered told as an address that is wrong.
func TestHTTPSysRefuses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://unix:/run/x.sock": "unix sockets", "http://xn--a.localhost:80": "cannot listen on",
	} {
		err := start(t, hello, map[string]string{"GORUN_SERVER": "httpsys", "ASPNETCORE_URLS": url, "GORUN_HTTPSYS": t.TempDir() + "/none"}).wait(t)
		address, ok := errors.AsType[*AddressError](err)
		if !ok || address.Source != "ASPNETCORE_URLS" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// TestHTTPSysWithoutBroker says the command.
func TestHTTPSysWithoutBroker(t *testing.T) {
	t.Parallel()
	err := start(t, hello, map[string]string{"GORUN_SERVER": "httpsys", "GORUN_HTTPSYS": t.TempDir() + "/none"}).wait(t)
	if err == nil || !strings.Contains(err.Error(), "hint: start it: gorun httpsys start") {
		t.Errorf("got %v", err)
	}
}

// TestHTTPSysErrors: addresses are told in this package's words, and what is none of them in its own.
func TestHTTPSysErrors(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("the connection is lost: %w (%w)", os.ErrClosed, os.ErrDeadlineExceeded)
	if got := asAddressErrors(lost); got != lost {
		t.Errorf("got %v, want %v", got, lost)
	}
	refused := &httpsys.RegistrationError{URL: "http://a:1", Source: "here", Err: httpsys.ErrPort}
	err := asAddressErrors(errors.Join(refused, lost))
	if address, ok := errors.AsType[*AddressError](err); !ok || address.Source != "here" || !strings.Contains(err.Error(), lost.Error()) {
		t.Errorf("got %v", err)
	}
}
