package servers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
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
		url, ended := fronted(t, h, name, nil)
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
func fronted(t *testing.T, h http.Handler, name string, more map[string]string) (url string, ended chan error) {
	t.Helper()
	for attempt := 1; ; attempt++ { // somebody else may take the port that was free
		url = "http://127.0.0.1:" + freePort(t)
		env := map[string]string{
			"GORUN_SERVER": name, "ASPNETCORE_PORT": url[len("http://127.0.0.1:"):], "ASPNETCORE_APPL_PATH": "/app", "ASPNETCORE_TOKEN": "secret",
			"ASPNETCORE_URLS": "http://localhost:0", // the front's own
		}
		maps.Copy(env, more)
		app := New(h, inWorld(env, io.Discard), WithLimits(Limits{MaxRequestBodySize: 3})) // which is the front's to keep
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

// inherits has an App inherit sockets that are open already, with their names.
func inherits(sockets ...net.Listener) Option {
	return func(o *options) { o.process.inherit = func() ([]net.Listener, error) { return sockets, nil } }
}

func openSocket(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// An app whose front has handed its sockets over serves on these and nowhere else, knows where it is, and takes nobody's word
// for who the client is.
func TestInProcess(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server, _ := feature.Get[feature.Server](r.Context())
		base, ok := feature.Get[feature.PathBase](r.Context())
		fmt.Fprintln(w, server.Name, server.HostingModel, ok, base.Path, r.URL.Path, strings.HasPrefix(r.RemoteAddr, "127.0.0.1:"), r.TLS != nil)
	})
	forged := []string{"MS-ASPNETCORE-TOKEN", "secret", "X-Forwarded-For", "1.2.3.4:5", "X-Forwarded-Proto", "https", "MS-ASPNETCORE-EVENT", "shutdown"}
	for path, want := range map[string]string{
		"":      "module InProcess true  /app/iisintegration true false\n",
		"/":     "module InProcess true  /app/iisintegration true false\n",
		"/app":  "module InProcess true /app /iisintegration true false\n",
		"/else": "module InProcess true  /app/iisintegration true false\n",
	} {
		asked, named1 := openSocket(t), openSocket(t)
		r := start(t, h, map[string]string{
			"GORUN_SERVER": "module", "ASPNETCORE_APPL_PATH": path,
			"ASPNETCORE_URLS": "http://" + asked.Addr().String() + ";http://127.0.0.1:1", // nobody may have port 1
		}, inherits(asked, named{named1, "http"}), WithLogger(slog.New(slog.DiscardHandler)))
		select {
		case <-r.app.Listening():
		case err := <-r.done:
			t.Fatal(err)
		}
		urls := []string{"http://" + asked.Addr().String(), "http://" + named1.Addr().String()}
		below := strings.TrimRight(path, "/") // S38
		if got := r.app.Addresses(); !slices.Equal(got, []string{urls[0] + below, urls[1] + below}) {
			t.Errorf("%q: it listens on %v, want %v with the path", path, got, urls)
		}
		for _, url := range urls {
			if status, got := behindFront(t, "POST", url+"/app/iisintegration", "", forged...); status != http.StatusOK || got != want {
				t.Errorf("%q: %d %q, want %q", path, status, got, want)
			}
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%q: it ended with %v", path, err)
		}
		if line, more := <-r.lines; more {
			t.Errorf("it says %q, which the front says", line)
		}
	}
}

// A socket that is handed over for https is served as Kestrel serves https, by its name or by the address in ASPNETCORE_URLS.
func TestInProcessHTTPS(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, name := range []string{"https", ""} {
		socket := openSocket(t)
		url := "https://" + socket.Addr().String()
		env := map[string]string{"GORUN_DATA": data, "CAROOT": data + "/none", "GORUN_SERVER": "module"}
		if name == "" {
			env["ASPNETCORE_URLS"] = url
		}
		r := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.TLS != nil) }),
			env, inherits(named{socket, name}), WithOutput(nil))
		select {
		case <-r.app.Listening():
		case err := <-r.done:
			t.Fatal(err)
		}
		resp, err := clientOf(t, data).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "HTTP/2.0true" {
			t.Errorf("got %q, %v", body, err)
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Error(err)
		}
	}
}

// Without a front the error names both ways to have one, and what was handed over for nothing is closed.
func TestNoFront(t *testing.T) {
	t.Parallel()
	err := start(t, hello, map[string]string{"GORUN_SERVER": "module", "ASPNETCORE_APPL_PATH": "/"}).wait(t)
	for _, want := range []string{"ASPNETCORE_PORT", "ASPNETCORE_TOKEN", "LISTEN_FDS", "GORUN_LISTEN_FDS", "hint: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	socket := openSocket(t)
	err = start(t, hello, map[string]string{"GORUN_SERVER": "module", "ASPNETCORE_URLS": "nonsense"}, inherits(socket)).wait(t)
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	if _, err := net.Dial("tcp", socket.Addr().String()); !isRefused(err) {
		t.Errorf("the socket is still open: %v", err)
	}
}

// A server may be given open sockets for its site.
func TestWithListeners(t *testing.T) {
	t.Parallel()
	its, others := openSocket(t), openSocket(t)
	first := ServerFunc(func(ctx context.Context, site *Site) error {
		with := site.WithListeners([]net.Listener{its, others})
		if len(site.inherited) != 0 {
			t.Error("the site itself has changed")
		}
		return Kestrel().Serve(ctx, with)
	})
	r := start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://" + its.Addr().String() + ";http://127.0.0.1:0"}, WithServer("first", first))
	wantHello(t, r.url(t))
	wantHello(t, r.url(t))
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if err := its.Close(); err == nil {
		t.Error("the socket of an endpoint is left open")
	}
	if err := others.Close(); err != nil {
		t.Errorf("the socket of no endpoint: %v", err)
	}
}
