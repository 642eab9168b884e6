package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// write makes a file in a folder of the test's own.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logged collects what is logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) option() Option { return WithLogger(slog.New(slog.NewTextHandler(l, nil))) }

// bodySize answers with how long its body may be.
var bodySize = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := feature.Get[feature.Body](r.Context())
	fmt.Fprint(w, body.MaxSize())
})

// What is said of limits by code wins over the environment, that over the file of the environment, that over the file.
func TestConfigPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "appsettings.json", `{"Kestrel": {"Limits": {"MaxRequestBodySize": 1}, "Endpoints": {"Web": {"Url": "http://127.0.0.1:0"}}}}`)
	write(t, dir, "appsettings.Staging.json", `{"Kestrel": {"Limits": {"MaxRequestBodySize": 2}}}`)
	for want, c := range map[string]struct {
		env  map[string]string
		opts []Option
	}{
		"1": {},
		"2": {env: map[string]string{"ASPNETCORE_ENVIRONMENT": "Staging"}},
		"3": {env: map[string]string{"ASPNETCORE_ENVIRONMENT": "Staging", "Kestrel__Limits__MaxRequestBodySize": "3"}},
		"4": {env: map[string]string{"Kestrel__Limits__MaxRequestBodySize": "3"}, opts: []Option{WithLimits(Limits{MaxRequestBodySize: 4})}},
	} {
		r := start(t, bodySize, c.env, append(c.opts, WithConfigFiles(file))...)
		if got, err := get(r.url(t)); got != want || err != nil {
			t.Errorf("got %s (%v), want %s", got, err, want)
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"no url":       {`{"Kestrel": {"Endpoints": {"Web": {}}}}`, []string{"appsettings.json:1:", "Kestrel:Endpoints:Web"}},
		"bad limit":    {`{"Kestrel": {"Limits": {"MaxRequestLineSize": -5}}}`, []string{"appsettings.json:1:", "Kestrel:Limits:MaxRequestLineSize"}},
		"no json":      {`{"Kestrel": `, []string{"appsettings.json:1:"}},
		"path base":    {`{"Kestrel": {"Endpoints": {"Web": {"Url": "http://127.0.0.1:0/base"}}}}`, []string{"appsettings.json:1:", "has no path"}},
		"no such file": {`{"Kestrel": {"Endpoints": {"Web": {"Url": "https://127.0.0.1:0", "Certificate": {"Path": "none.pem"}}}}}`, []string{"Kestrel:Endpoints:Web", "none.pem"}},
	} {
		sub := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		err := start(t, hello, nil, WithConfigFiles(write(t, sub, "appsettings.json", c.file))).wait(t)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
	if err := start(t, hello, nil, WithConfigFiles(filepath.Join(dir, "none.json"))).wait(t); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}

// Endpoints win over addresses, with a warning, unless addresses are preferred (reference: servers.md, 3.6).
func TestEndpointsAndAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "appsettings.json", `{"Kestrel": {"Endpoints": {"Web": {"Url": "http://unix:`+filepath.Join(dir, "file.sock")+`"}}}}`)
	code := WithEndpoint("http://unix:"+filepath.Join(dir, "code.sock"), Endpoint{Protocols: endpoint.HTTP1})
	url := "http://unix:" + filepath.Join(dir, "url.sock")
	for _, c := range []struct {
		name string
		opts []Option
		want []string // in the order in which they are bound
		log  string
	}{
		{"addresses alone", nil, []string{"url"}, ""},
		{"endpoint by code", []Option{code}, []string{"code"}, "endpoints override addresses"},
		{"endpoint by a file", []Option{WithConfigFiles(file)}, []string{"file"}, "endpoints override addresses"},
		{"both", []Option{code, WithConfigFiles(file)}, []string{"code", "file"}, "endpoints override addresses"},
		{"addresses preferred", []Option{code, WithPreferredURLs()}, []string{"url"}, "addresses override endpoints"},
	} {
		var log logged
		r := start(t, hello, map[string]string{"ASPNETCORE_URLS": url}, append(c.opts, log.option())...)
		for _, want := range c.want {
			if got := r.url(t); got != "http://unix:"+filepath.Join(dir, want+".sock") {
				t.Errorf("%s: listens on %s, want %s", c.name, got, want)
			}
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.Contains(log.String(), c.log) {
			t.Errorf("%s: logged %s, want %q", c.name, log.String(), c.log)
		}
	}
	if err := start(t, hello, nil, WithEndpoint("nonsense", Endpoint{})).wait(t); err == nil || !strings.Contains(err.Error(), "WithEndpoint") {
		t.Errorf("a wrong endpoint: %v", err)
	}
}

// counting is a Meter that keeps sums.
type counting struct {
	mu   sync.Mutex
	sums map[string]float64
}

func (c *counting) add(name string, value float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil {
		c.sums = map[string]float64{}
	}
	c.sums[name] += value
}

func (c *counting) Add(name string, delta int64, _ ...slog.Attr)      { c.add(name, float64(delta)) }
func (c *counting) Record(name string, _ float64, attrs ...slog.Attr) { c.add(name, 1) }

// The logs and the meter see requests and connections; middleware sees connections before TLS.
func TestObserved(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var meter counting
	var lines logged
	var mu sync.Mutex
	var first []byte
	r := start(t, hello, map[string]string{"GORUN_DATA": data, "CAROOT": filepath.Join(data, "none")}, WithURLs("https://127.0.0.1:0"),
		WithMetrics(&meter), WithAccessLog(accesslog.JSON(&lines)),
		WithConnectionMiddleware(func(c net.Conn) (net.Conn, error) {
			return &peeking{Conn: c, seen: func(b byte) {
				mu.Lock()
				defer mu.Unlock()
				first = append(first, b)
			}}, nil
		}))
	<-r.lines
	<-r.lines // the certificate was made
	client := clientOf(t, data)
	response, err := client.Get(r.url(t) + "/path?secret")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	client.CloseIdleConnections()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if !strings.Contains(lines.String(), "/path") || strings.Contains(lines.String(), "secret") || strings.Count(lines.String(), "\n") != 1 {
		t.Errorf("the access log has %s", lines.String())
	}
	if !slices.Equal(first, []byte{0x16}) { // a TLS handshake record
		t.Errorf("connections began with % x", first)
	}
	want := map[string]float64{
		metrics.ActiveConnections: 0, metrics.ActiveRequests: 0, metrics.ActiveTLSHandshakes: 0,
		metrics.RequestDuration: 1, metrics.ConnectionDuration: 1, metrics.TLSHandshakeDuration: 1,
	}
	for name, value := range want {
		if got, told := meter.sums[name]; got != value || !told {
			t.Errorf("%s is %v (told: %v), want %v", name, got, told, value)
		}
	}
}

// peeking tells the first byte that is read.
type peeking struct {
	net.Conn
	once sync.Once
	seen func(byte)
}

func (p *peeking) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.once.Do(func() { p.seen(b[0]) })
	}
	return n, err
}

// A server of the app's own is taken when it is the only one, or when GORUN_SERVER names it.
func TestOwnServer(t *testing.T) {
	t.Parallel()
	served := func(name string) Option {
		return WithServer(name, ServerFunc(func(ctx context.Context, site *Site) error {
			site.Listening("own://" + site.Name)
			<-ctx.Done()
			return nil
		}))
	}
	for _, c := range []struct {
		env  string
		opts []Option
		want string
	}{
		{"", []Option{served("a"), served("b")}, "a"},
		{"b", []Option{served("a"), served("b")}, "b"},
		{"kestrel", []Option{served("a"), WithURLs("http://127.0.0.1:0")}, "kestrel"},
		{"kestrel", []Option{served("kestrel")}, "kestrel"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		app := New(hello, append(c.opts, inWorld(map[string]string{"GORUN_SERVER": c.env}, io.Discard))...)
		done := make(chan error, 1)
		go func() { done <- app.Run(ctx) }()
		select {
		case <-app.Listening():
		case err := <-done:
			t.Fatalf("%q: it ended with %v", c.env, err)
		}
		if got := app.Feature(); got.Name != c.want || len(got.Addresses) != 1 {
			t.Errorf("%q: got %+v, want %s", c.env, got, c.want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%q: %v", c.env, err)
		}
		if err := app.Run(t.Context()); err == nil {
			t.Errorf("%q: it ran twice", c.env)
		}
	}
}
