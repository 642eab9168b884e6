package servers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
)

// freePort gives a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(portOf(l.Addr()))
}

// behindFront sends a request as the module's front does.
func behindFront(t *testing.T, method, url, body string, pairs ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(got)
}

// An app that a front has started listens where the front expects it and nowhere else, serves the front alone, and ends
// when the front asks it to.
func TestBehindFront(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server, _ := feature.Get[feature.Server](r.Context())
		base, _ := feature.Get[feature.PathBase](r.Context())
		body, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, server.Name, server.HostingModel, base.Path, r.URL.Path, r.RemoteAddr, r.TLS != nil, body)
	})
	for _, name := range []string{"", "module"} {
		url, ended := fronted(t, h, name)
		token := []string{"MS-ASPNETCORE-TOKEN", "secret", "X-Forwarded-For", "1.2.3.4:5", "X-Forwarded-Proto", "https"}
		if status, got := behindFront(t, "POST", url+"/app/x", "hello", token...); got != "module OutOfProcess /app /x 1.2.3.4:5 true 5\n" {
			t.Errorf("%d %q", status, got)
		}
		if status, got := behindFront(t, "GET", url+"/app/x", ""); status != http.StatusBadRequest || got != "" {
			t.Errorf("without the token: %d %q", status, got)
		}
		if status, _ := behindFront(t, "POST", url+"/app/iisintegration", "", append(token, "MS-ASPNETCORE-EVENT", "shutdown")...); status != http.StatusAccepted {
			t.Errorf("the shutdown message gets %d", status)
		}
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	err := start(t, h, map[string]string{"ASPNETCORE_PORT": "x", "ASPNETCORE_APPL_PATH": "/", "ASPNETCORE_TOKEN": "t"}).wait(t)
	if err == nil || !strings.Contains(err.Error(), `ASPNETCORE_PORT is "x"`) {
		t.Errorf("a wrong port: %v", err)
	}
}

// fronted starts an app as a front does, and waits until it listens.
func fronted(t *testing.T, h http.Handler, name string) (url string, ended chan error) {
	t.Helper()
	for attempt := 1; ; attempt++ { // somebody else may take the port that was free
		url = "http://127.0.0.1:" + freePort(t)
		app := New(h, inWorld(map[string]string{
			"GORUN_SERVER": name, "ASPNETCORE_PORT": url[len("http://127.0.0.1:"):], "ASPNETCORE_APPL_PATH": "/app", "ASPNETCORE_TOKEN": "secret",
			"ASPNETCORE_URLS": "http://localhost:0", // the front's own
		}, io.Discard), WithLimits(Limits{MaxRequestBodySize: 3})) // which is the front's to keep
		ended = make(chan error, 1)
		go func() { ended <- app.Run(t.Context()) }()
		select {
		case <-app.Listening():
			if got := app.Addresses(); len(got) != 1 || got[0] != url {
				t.Errorf("it listens on %v, want %s", got, url)
			}
			return url, ended
		case err := <-ended:
			if !isInUse(err) || attempt == 5 {
				t.Fatal(err)
			}
		}
	}
}
