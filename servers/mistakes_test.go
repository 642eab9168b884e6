package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// What an app has got wrong in its options is an error of Run that says which option and, in the same text, what to do.
func TestMistakesInOptions(t *testing.T) {
	t.Parallel()
	at := func(url string, e Endpoint) Option { return WithEndpoint(url, e) }
	for name, c := range map[string]struct {
		opts []Option
		want []string
	}{
		"server nil":         {[]Option{WithServer("own", nil)}, []string{`WithServer("own", <nil>)`}},
		"server unnamed":     {[]Option{WithServer("", Kestrel())}, []string{`WithServer("", `, "needs a name"}},
		"no url":             {[]Option{at("", Endpoint{})}, []string{`WithEndpoint: "" is not a URL`, "hint: write it as http://"}},
		"two urls":           {[]Option{at("http://a:1;http://b:2", Endpoint{})}, []string{"more than one address"}},
		"path":               {[]Option{at("http://127.0.0.1:0/base", Endpoint{})}, []string{"WithEndpoint", "has no path", "hint: leave the path out"}},
		"TLS on http":        {[]Option{at("http://127.0.0.1:0", Endpoint{TLS: &tls.Config{}})}, []string{"WithEndpoint", "the endpoint has TLS", "hint: write https"}},
		"HTTP/3 on http":     {[]Option{at("http://127.0.0.1:0", Endpoint{Protocols: endpoint.HTTP3})}, []string{"HTTP/3 needs https", "hint: write https"}},
		"all on http":        {[]Option{at("http://127.0.0.1:0", Endpoint{Protocols: endpoint.HTTP1AndHTTP2AndHTTP3})}, []string{"HTTP/3 needs https"}},
		"HTTP/3 on unix":     {[]Option{at("https://unix:/x.sock", Endpoint{Protocols: endpoint.HTTP3})}, []string{"cannot be spoken over a unix socket"}},
		"unknown protocol":   {[]Option{at("http://127.0.0.1:0", Endpoint{Protocols: 1 << 7})}, []string{"no version of HTTP"}},
		"config without":     {[]Option{WithConfigFiles("")}, []string{"WithConfigFiles was given an empty path"}},
		"no certificate":     {[]Option{WithURLs("https://127.0.0.1:0"), WithCertificate("none.pem", "")}, []string{"WithCertificate: none.pem cannot be read", "hint: look at the path"}},
		"key without a cert": {[]Option{WithURLs("https://127.0.0.1:0"), WithCertificate("", "key.pem")}, []string{"WithCertificate: "}},
	} {
		err := start(t, hello, nil, c.opts...).wait(t)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
	r := start(t, hello, nil, nil, WithConnectionMiddleware(nil), WithMetrics(nil), WithLogger(nil), WithTLSConfig(nil),
		WithConfigFiles(), WithServerHeader(""), WithAccessLog(accesslog.Log{}, accesslog.JSON(nil)), WithURLs("http://127.0.0.1:0"))
	wantHello(t, r.url(t))
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("options that say nothing: %v", err)
	}
}

// TestAddressMistakes has addresses that the system refuses: the error says what is wrong there and what to do.
func TestAddressMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "file", "")
	for url, want := range map[string][2]string{
		"http://unix:" + filepath.Join(dir, "none", "x.sock"):                 {"there is no folder " + filepath.Join(dir, "none"), "make the folder, or choose another path in ASPNETCORE_URLS"},
		"http://unix:" + filepath.Join(dir, strings.Repeat("x", 120)+".sock"): {"bytes, and the system allows", "choose a shorter path"},
		"http://unix:" + file: {"a file with this name is there, and is no socket", "remove it, or choose another path in ASPNETCORE_URLS"},
		"http://unix:" + dir:  {"a folder with this name is there", "remove it, or"},
		"http://192.0.2.1:0":  {"192.0.2.1:0: this machine has no such address", "localhost"}, // RFC 5737
	} {
		err := start(t, hello, map[string]string{"ASPNETCORE_URLS": url}).wait(t)
		problem, ok := errors.AsType[*AddressError](err)
		if !ok || !strings.Contains(problem.Error(), want[0]) || !strings.Contains(problem.Hint(), want[1]) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

// TestHolder has the error about an address in use name the process that has it, where the system tells.
func TestHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.sock")
	for _, url := range []string{"http://127.0.0.1:0", "http://[::1]:0", "http://*:0", "http://unix:" + path} {
		if strings.Contains(url, "[") && !hasIPv6() {
			continue
		}
		first := start(t, hello, nil, WithURLs(url))
		taken := first.url(t)
		err := start(t, hello, nil, WithURLs(strings.Replace(taken, "*", "127.0.0.1", 1))).wait(t)
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: got %v", taken, err)
		} else if runtime.GOOS == "linux" && !strings.Contains(err.Error(), "in use by this program itself") {
			t.Errorf("%s: got %v, want who has it", taken, err)
		}
		if !strings.Contains(err.Error(), "in WithURLs") {
			t.Errorf("%s: no hint in %v", taken, err)
		}
		first.stop()
		if err := first.wait(t); err != nil {
			t.Error(err)
		}
	}
}

// A tls.Config without a certificate gets the one that would be served without it: so clients are asked for theirs by code.
func TestTLSByCode(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	env := map[string]string{"GORUN_DATA": data, "CAROOT": filepath.Join(data, "none")}
	config := &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	for name, opts := range map[string][]Option{
		"for all":          {WithURLs("https://127.0.0.1:0"), WithTLSConfig(config)},
		"for one endpoint": {WithEndpoint("https://127.0.0.1:0", Endpoint{TLS: config})},
		"nothing said":     {WithURLs("https://127.0.0.1:0"), WithTLSConfig(&tls.Config{})},
	} {
		r := start(t, hello, env, append(opts, WithOutput(io.Discard))...)
		app := r.app
		select {
		case <-app.Listening():
		case err := <-r.done:
			t.Fatalf("%s: %v", name, err)
		}
		client := clientOf(t, data)
		_, err := client.Get(app.Addresses()[0])
		if wants := name != "nothing said"; wants != (err != nil) {
			t.Errorf("%s: without a certificate: %v", name, err)
		}
		client = clientOf(t, data)
		certificate, err := tls.LoadX509KeyPair(filepath.Join(data, "dev-certs", "localhost.pem"), filepath.Join(data, "dev-certs", "localhost.pem"))
		if err != nil {
			t.Fatal(err)
		}
		client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{certificate}
		resp, err := client.Get(app.Addresses()[0])
		if err != nil {
			t.Fatalf("%s: with a certificate: %v", name, err)
		}
		resp.Body.Close()
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if config.GetCertificate != nil || config.NextProtos != nil {
		t.Error("the app's own configuration was changed")
	}
	if pool := x509.NewCertPool(); hasCertificate(&tls.Config{ClientCAs: pool}) {
		t.Error("client CAs are taken for a certificate")
	}
}

// panicking is a meter and a writer of an app that is not well.
type panicking struct{}

func (panicking) Add(string, int64, ...slog.Attr)      { panic("add") }
func (panicking) Record(string, float64, ...slog.Attr) { panic("record") }
func (panicking) Write([]byte) (int, error)            { panic("write") }

// TestPanics has an app's own pieces panic: requests are answered where that can be, and the end comes.
func TestPanics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt    Option
		serves bool
		log    string
	}{
		"meter":                   {WithMetrics(panicking{}), true, "panic in the meter: add"},
		"access log":              {WithAccessLog(accesslog.JSON(panicking{})), true, ""},
		"middleware":              {WithConnectionMiddleware(func(net.Conn) (net.Conn, error) { panic("oh") }), false, "panic in connection middleware: oh"},
		"middleware says nothing": {WithConnectionMiddleware(func(net.Conn) (net.Conn, error) { return nil, nil }), false, "neither a connection nor an error"},
	} {
		var log logged
		r := start(t, hello, nil, WithURLs("http://127.0.0.1:0"), c.opt, log.option())
		url := r.url(t)
		for range 2 {
			if body, err := get(url); (err == nil && body == "hello") != c.serves {
				t.Errorf("%s: got %q, %v", name, body, err)
			}
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(log.String(), c.log) {
			t.Errorf("%s: logged %s", name, log.String())
		}
	}
}

// TestMiddlewareThatBlocks has the end not wait for middleware that never returns, and closes a connection that comes too late.
func TestMiddlewareThatBlocks(t *testing.T) {
	t.Parallel()
	entered, release, closed := make(chan bool), make(chan bool), make(chan bool)
	block := WithConnectionMiddleware(func(c net.Conn) (net.Conn, error) {
		entered <- true
		<-release
		return &closing{c, closed}, nil
	})
	r := start(t, hello, nil, WithURLs("http://127.0.0.1:0"), block)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-entered
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	close(release)
	<-closed
}

type closing struct {
	net.Conn
	closed chan bool
}

func (c *closing) Close() error {
	close(c.closed)
	return c.Conn.Close()
}

// A server that has nothing to cut off ends well, however little time it has.
func TestNoTimeToStop(t *testing.T) {
	t.Parallel()
	r := start(t, hello, nil, WithURLs("http://127.0.0.1:0"), WithShutdownTimeout(-1))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// A test of a server of the app's own may make a Site by itself.
func TestSiteByHand(t *testing.T) {
	t.Parallel()
	at, err := endpoint.Parse("http://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site := &Site{Handler: hello, Endpoints: []Endpoint{{Endpoint: at}}}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := Kestrel().Serve(ctx, site); err != nil {
		t.Error(err)
	}
}

// A server of the app's own may say more than once where it listens: the last word counts.
func TestListeningTwice(t *testing.T) {
	t.Parallel()
	app := New(hello, inWorld(nil, io.Discard), WithServer("own", ServerFunc(func(_ context.Context, site *Site) error {
		site.Listening("own://a")
		site.Listening("own://b")
		return nil
	})))
	if err := app.Run(t.Context()); err != nil {
		t.Error(err)
	}
	<-app.Listening()
	if got := app.Addresses(); len(got) != 1 || got[0] != "own://b" {
		t.Errorf("got %q", got)
	}
}
