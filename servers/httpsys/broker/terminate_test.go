//go:build linux || darwin

package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/servers/kestrel"
)

func TestTerminateByPath(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			b := newTestBroker(t, nil, map[string]http.HandlerFunc{
				"https://api.localhost:PORT/a/": tells("A"), "https://api.localhost:PORT/b/": tells("B"), "https://127.0.0.2:PORT/a/": tells("IP"),
			})
			cert := b.store.bind(SSLCert{HostnamePort: "api.localhost:" + b.port}, "api.localhost")
			c := b.client([]*issued{cert}, func(c *tls.Config) { c.NextProtos = []string{protocol} })
			host := "https://api.localhost:" + b.port
			for range 3 {
				for path, want := range map[string]string{
					"/a/1?q": "200 A api.localhost:PORT /a/1?q at api.localhost, 2 fields",
					"/B/":    "200 B api.localhost:PORT /B/ at api.localhost, 2 fields",
					"/c":     "404 ",
					"/":      "404 ",
				} {
					status, body := fetch(t, c, host+path)
					if got := fmt.Sprint(status, " ", body); !strings.HasPrefix(got, strings.ReplaceAll(want, "PORT", b.port)) {
						t.Errorf("%s: %s, want %s", path, got, want)
					}
				}
			}
			request, err := http.NewRequest("GET", host+"/a/", nil)
			must(t, err)
			request.Host = "nobody.example"
			r, err := c.Do(request)
			must(t, err)
			defer r.Body.Close()
			if body, _ := io.ReadAll(r.Body); r.StatusCode != 400 || !strings.Contains(string(body), "Invalid Hostname") {
				t.Errorf("%s %s", r.Status, body)
			}
			if want := map[string]int{"h2": 2, "http/1.1": 1}[protocol]; r.ProtoMajor != want {
				t.Errorf("the client speaks %s", r.Proto)
			}
			pairs := 0
			for _, app := range b.apps {
				pairs += int(app.described.Load())
			}
			if pairs != 2 { // one connection of the client's, two owners
				t.Errorf("%d pairs", pairs)
			}
			// The client goes, and with it the pairs.
			for _, c := range b.dialed {
				c.Close()
			}
			for _, app := range b.apps {
				if app.described.Load() > 0 {
					<-app.closed
				}
			}
		})
	}
}

// The certificate is that of the name, else of the address, else the development certificate; a reload counts for new connections.
func TestTerminateCertificates(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{"https://*:PORT/a/": tells("A"), "https://*:PORT/b/": tells("B")})
	shown := func(name string) *x509.Certificate {
		t.Helper()
		c, err := tls.Dial("tcp", b.address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		must(t, err)
		defer c.Close()
		io.WriteString(c, "GET /a/ HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
		if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		return c.ConnectionState().PeerCertificates[0]
	}
	development := shown("api.localhost")
	if development.VerifyHostname("localhost") != nil {
		t.Errorf("no development certificate: %v", development.Subject)
	}
	address := b.store.bind(SSLCert{IPPort: "0.0.0.0:" + b.port}, "localhost")
	api := b.store.bind(SSLCert{HostnamePort: "api.localhost:" + b.port}, "api.localhost")
	if !shown("api.localhost").Equal(api.cert) || !shown("other.localhost").Equal(address.cert) || !shown("").Equal(address.cert) {
		t.Error("other certificates than those bound")
	}
	must(t, b.store.DeleteSSLCert(SSLCert{HostnamePort: "api.localhost:" + b.port}))
	if !shown("api.localhost").Equal(address.cert) {
		t.Error("the binding that was removed still counts")
	}
	must(t, b.store.DeleteSSLCert(SSLCert{IPPort: "0.0.0.0:" + b.port}))
	if !shown("").Equal(development) {
		t.Error("not the development certificate")
	}
}

// A host that asks for certificates gets them, from those who have one; nobody gets round that by the name of another host.
func TestTerminateClientCertificates(t *testing.T) {
	t.Parallel()
	tlsOf := func(i *issued) tls.Certificate {
		return tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key, Leaf: i.cert}
	}
	me := issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "a client")
	stranger := issue(t, nil, "a stranger")
	cas := x509.NewCertPool()
	cas.AddCert(me.cert)
	b := newTestBroker(t, func(o *StoreOptions) { o.ClientCAs = cas }, map[string]http.HandlerFunc{
		"https://safe.localhost:PORT/": tells("A"), "https://open.localhost:PORT/": tells("B"), "https://open.localhost:PORT/b/": tells("C"),
	})
	safe := b.store.bind(SSLCert{HostnamePort: "safe.localhost:" + b.port, ClientCertNegotiation: true}, "safe.localhost")
	open := b.store.bind(SSLCert{HostnamePort: "open.localhost:" + b.port}, "open.localhost")
	for want, shows := range map[string][]tls.Certificate{" of a client": {tlsOf(me)}, ", 2 fields": nil} {
		c := b.client([]*issued{safe, open}, func(c *tls.Config) { c.Certificates = shows })
		if status, body := fetch(t, c, "https://safe.localhost:"+b.port+"/"); status != 200 || !strings.Contains(body, "at safe.localhost"+want) {
			t.Errorf("%d %s", status, body)
		}
	}
	c := b.client([]*issued{safe, open}, func(c *tls.Config) {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { s := tlsOf(stranger); return &s, nil }
	})
	if r, err := c.Get("https://safe.localhost:" + b.port + "/"); err == nil {
		r.Body.Close()
		t.Error("a stranger was let in")
	}
	c = b.client([]*issued{open}, nil)
	for _, host := range []string{"SAFE.localhost", "safe.localhost."} {
		request, err := http.NewRequest("GET", "https://open.localhost:"+b.port+"/", nil)
		must(t, err)
		request.Host = host
		r, err := c.Do(request)
		must(t, err)
		r.Body.Close()
		if r.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("by another name, %s: %s", host, r.Status)
		}
	}
}

// Trailers go both ways.
func TestTerminateTrailers(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{
		"https://api.localhost:PORT/b/": tells("B"),
		"https://api.localhost:PORT/a/": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Sum")
			n, err := io.Copy(w, r.Body)
			w.Header().Set("Sum", fmt.Sprint(n, r.Trailer.Get("Check"), err))
		},
	})
	cert := b.store.bind(SSLCert{HostnamePort: "api.localhost:" + b.port}, "api.localhost")
	for _, change := range []func(*tls.Config){nil, only11} {
		const size = 300_000
		request, err := http.NewRequest("POST", "https://api.localhost:"+b.port+"/a/", io.LimitReader(zeros{}, size))
		must(t, err)
		request.Trailer = http.Header{"Check": {" checked "}}
		r, err := b.client([]*issued{cert}, change).Do(request)
		must(t, err)
		n, err := io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if got := r.Trailer.Get("Sum"); err != nil || n != size || got != "300000checked<nil>" {
			t.Errorf("%s: %d bytes, %v, trailer %q", r.Proto, n, err, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A client that goes away is known to the owner.
func TestTerminateCancelled(t *testing.T) {
	t.Parallel()
	running, ended := make(chan struct{}), make(chan struct{})
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{
		"https://api.localhost:PORT/b/": tells("B"),
		"https://api.localhost:PORT/a/": func(_ http.ResponseWriter, r *http.Request) {
			running <- struct{}{}
			<-r.Context().Done()
			ended <- struct{}{}
		},
	})
	cert := b.store.bind(SSLCert{HostnamePort: "api.localhost:" + b.port}, "api.localhost")
	for _, change := range []func(*tls.Config){nil, only11} {
		ctx, cancel := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, "GET", "https://api.localhost:"+b.port+"/a/", nil)
		must(t, err)
		c := b.client([]*issued{cert}, change)
		go func() { <-running; cancel() }()
		if _, err := c.Do(request); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		<-ended
		if status, _ := fetch(t, c, "https://api.localhost:"+b.port+"/b/"); status != 200 {
			t.Errorf("then: %d", status)
		}
	}
}

// A WebSocket goes through, as any other upgrade does.
func TestTerminateUpgrade(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"websocket", "own"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			b := newTestBroker(t, nil, map[string]http.HandlerFunc{"https://api.localhost:PORT/b/": tells("B"), "https://api.localhost:PORT/a/": echo(protocol)})
			b.store.bind(SSLCert{HostnamePort: "api.localhost:" + b.port}, "api.localhost")
			c, err := tls.Dial("tcp", b.address, &tls.Config{ServerName: "api.localhost", InsecureSkipVerify: true})
			must(t, err)
			defer c.Close()
			fmt.Fprintf(c, "GET /a/ HTTP/1.1\r\nHost: api.localhost\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
			in := bufio.NewReader(c)
			r, err := http.ReadResponse(in, nil)
			must(t, err)
			if r.StatusCode != http.StatusSwitchingProtocols || r.Header.Get("Upgrade") != protocol {
				t.Fatalf("%s %v", r.Status, r.Header)
			}
			for range 3 {
				io.WriteString(c, "hello\n")
				if line, err := in.ReadString('\n'); err != nil || line != "you said hello\n" {
					t.Fatalf("%q, %v", line, err)
				}
			}
		})
	}
}

func echo(protocol string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
		for err == nil {
			rw.Flush()
			var line string
			line, err = rw.ReadString('\n')
			fmt.Fprint(rw, "you said "+line)
		}
	}
}

// An app that goes without an answer ends the connection, or the stream, as if the client were its own; others are not touched.
func TestTerminateDeadApp(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{"https://*:PORT/a/": tells("A"), "https://*:PORT/b/": tells("B")})
	b.app("/a/").dead.Store(true)
	for _, change := range []func(*tls.Config){nil, only11} {
		c := b.client(nil, func(c *tls.Config) {
			c.InsecureSkipVerify = true
			if change != nil {
				change(c)
			}
		})
		if r, err := c.Get("https://x.localhost:" + b.port + "/a/"); err == nil {
			r.Body.Close()
			t.Errorf("the answer is %s", r.Status)
		}
		if status, body := fetch(t, c, "https://x.localhost:"+b.port+"/b/"); status != 200 {
			t.Errorf("the other: %d %s", status, body)
		}
	}
}

// Streams at the same time have pairs of their own, which are used again.
func TestTerminateParallel(t *testing.T) {
	t.Parallel()
	const n = 8
	var inside sync.WaitGroup
	inside.Add(n)
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{
		"https://*:PORT/b/": tells("B"), "https://*:PORT/a/last": tells("last"),
		"https://*:PORT/a/": func(http.ResponseWriter, *http.Request) {
			inside.Done()
			inside.Wait()
		},
	})
	c := b.client(nil, func(c *tls.Config) { c.InsecureSkipVerify = true })
	if status, _ := fetch(t, c, "https://x.localhost:"+b.port+"/b/"); status != 200 {
		t.Fatal(status)
	}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			r, err := c.Get("https://x.localhost:" + b.port + "/a/")
			if err != nil {
				t.Error(err)
				return
			}
			r.Body.Close()
		})
	}
	all.Wait()
	if got := b.app("/a/").described.Load(); got != n {
		t.Errorf("%d pairs for %d streams", got, n)
	}
}

// More clients than there may be are reset; when one has gone another may come.
func TestTerminateFull(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{"https://*:PORT/a/": tells("A"), "https://*:PORT/b/": tells("B")})
	b.terminator.most = 1
	insecure := func(c *tls.Config) { c.InsecureSkipVerify = true }
	url := "https://x.localhost:" + b.port + "/a/"
	if status, _ := fetch(t, b.client(nil, insecure), url); status != 200 {
		t.Fatal(status)
	}
	if r, err := b.client(nil, insecure).Get(url); err == nil {
		r.Body.Close()
		t.Errorf("one too many: %s", r.Status)
	}
	b.dialed[0].Close()
	eventually(t, "the first has gone", func() bool { return b.terminator.open.Load() == 0 })
	if status, _ := fetch(t, b.client(nil, insecure), url); status != 200 {
		t.Error(status)
	}
}

// close ends what clients have open, and comes to an end itself.
func TestTerminateClose(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, nil, map[string]http.HandlerFunc{"https://*:PORT/a/": tells("A"), "https://*:PORT/b/": tells("B")})
	c, err := tls.Dial("tcp", b.address, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer c.Close()
	io.WriteString(c, "GET /a/ HTTP/1.1\r\nHost: x\r\n\r\n")
	in := bufio.NewReader(c)
	r, err := http.ReadResponse(in, nil)
	must(t, err)
	_, err = io.Copy(io.Discard, r.Body)
	must(t, err)
	b.terminator.close()
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("it is still open: %v", err)
	}
	<-b.app("/a/").closed
}

// What a relayed request costs, on a kept connection of HTTP/1.1, beside one of an app that ends TLS itself.
func BenchmarkTerminate(b *testing.B) {
	hello := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }
	ask := func(b *testing.B, c *http.Client, url string) {
		for b.Loop() {
			if status, body := fetch(b, c, url); status != 200 || body != "hello" {
				b.Fatal(status, body)
			}
		}
	}
	insecure := func(c *tls.Config) { only11(c); c.InsecureSkipVerify = true }
	b.Run("relayed", func(b *testing.B) {
		broker := newTestBroker(b, nil, map[string]http.HandlerFunc{"https://*:PORT/a/": hello, "https://*:PORT/b/": hello})
		ask(b, broker.client(nil, insecure), "https://x.localhost:"+broker.port+"/a/")
	})
	b.Run("alone", func(b *testing.B) {
		cert := issue(b, nil, "x.localhost")
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(b, err)
		server := kestrel.Server{Handler: http.HandlerFunc(hello)}
		var serving sync.WaitGroup
		serving.Go(func() {
			server.Serve(l, kestrel.Binding{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.cert.Raw}, PrivateKey: cert.key}}}})
		})
		defer serving.Wait()
		defer server.Close()
		broker := &testBroker{t: b, address: l.Addr().String()}
		ask(b, broker.client(nil, insecure), "https://"+l.Addr().String()+"/a/")
	})
}
