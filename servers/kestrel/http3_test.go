package kestrel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

func TestHTTP3Request(t *testing.T) {
	t.Parallel()
	type key struct{}
	r := startHTTP3(t, &Server{
		ServerHeader: "gorun",
		BaseContext:  func() context.Context { return context.WithValue(context.Background(), key{}, "base") },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			connection, _ := feature.Get[feature.Connection](ctx)
			state, _ := feature.Get[feature.TLS](ctx)
			upgrade, _ := feature.Get[feature.Upgrade](ctx)
			trailers, _ := feature.Get[feature.Trailers](ctx)
			_, isServer := ctx.Value(http.ServerContextKey).(*http.Server)
			fmt.Fprintln(w, r.Proto, r.Method, r.Host, r.URL.Path, r.URL.RawQuery, r.RequestURI)
			fmt.Fprintln(w, r.TLS.Version == tls.VersionTLS13, r.TLS.NegotiatedProtocol, state.State.HandshakeComplete)
			fmt.Fprintln(w, connection.ID != "", connection.Local == ctx.Value(http.LocalAddrContextKey), connection.Remote.String() == r.RemoteAddr)
			fmt.Fprintln(w, upgrade.IsUpgradable(), trailers.IsSupported(), isServer, ctx.Value(key{}))
			fmt.Fprintln(w, r.Body == http.NoBody, r.ContentLength)
		}),
	})
	resp, body := fetch(t, r.client(t), request(t, "GET", r.url+"/a/b?c=d", nil))
	want := fmt.Sprintf("HTTP/3.0 GET %s /a/b c=d /a/b?c=d\ntrue h3 true\ntrue true true\nfalse true true base\ntrue 0\n", r.addr)
	if body != want {
		t.Errorf("got\n%swant\n%s", body, want)
	}
	for name, want := range map[string]string{"Server": "gorun", "Content-Type": "text/plain; charset=utf-8", "Content-Length": fmt.Sprint(len(want))} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if resp.Header.Get("Date") == "" || resp.ProtoMajor != 3 {
		t.Errorf("got %s with %v", resp.Proto, resp.Header)
	}
}

// What a handler does to its answer.
func TestHTTP3Answers(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("<p>", 5000)
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
		status  int
		body    string
		header  map[string]string
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 200, "", map[string]string{"Content-Length": "0", "Server": "s"}},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, "", map[string]string{"Content-Length": ""}},
		{"own server", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "mine") }, 200, "", map[string]string{"Server": "mine"}},
		{"no server", func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("Server") }, 200, "", map[string]string{"Server": ""}},
		{"late header", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.Header().Set("A", "late") }, 201, "", map[string]string{"A": ""}},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "A b", "A:", ""} {
				w.Header()[name] = []string{"x"}
			}
			w.Header().Set("Split", "a\r\nb: c")
			w.Header().Set("Good", "yes")
		}, 200, "", map[string]string{"Connection": "", "Split": "", "Good": "yes"}},
		{"twice", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(200) }, 404, "", nil},
		{"large, sniffed", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); io.WriteString(w, large) }, 200, large, map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		{"flushed", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a")
			http.NewResponseController(w).Flush()
			io.WriteString(w, "b")
		}, 200, "ab", map[string]string{"Content-Length": ""}},
		{"hints", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>")
			w.WriteHeader(103)
			w.WriteHeader(101)
			w.Header().Del("Link")
			w.WriteHeader(202)
		}, 202, "", map[string]string{"Link": ""}},
		{"controller", func(w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			err := errors.Join(c.EnableFullDuplex(), c.SetReadDeadline(time.Now().Add(limit)), c.SetWriteDeadline(time.Now().Add(limit)))
			fmt.Fprint(w, err)
		}, 200, "<nil>", nil},
		{"no upgrade", func(w http.ResponseWriter, _ *http.Request) {
			_, _, err := http.NewResponseController(w).Hijack()
			fmt.Fprint(w, errors.Is(err, http.ErrNotSupported))
		}, 200, "true", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := startHTTP3(t, &Server{ServerHeader: "s", Handler: http.HandlerFunc(c.handler)})
			resp, body := fetch(t, r.client(t), request(t, "GET", r.url, nil))
			if resp.StatusCode != c.status || body != c.body {
				t.Errorf("got %s, %q", resp.Status, body)
			}
			for name, want := range c.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestHTTP3Head(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/5" {
			io.WriteString(w, "12345")
		}
	})})
	client := r.client(t)
	for path, want := range map[string]string{"/5": "5", "/none": ""} {
		resp, body := fetch(t, client, request(t, "HEAD", r.url+path, nil))
		if got := resp.Header.Get("Content-Length"); got != want || body != "" {
			t.Errorf("%s: length %q, body %q", path, got, body)
		}
	}
}

// A megabyte in both directions at once, from many clients, with trailers in both directions.
func TestHTTP3Bodies(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		sum := sha256.New()
		if _, err := io.Copy(w, io.TeeReader(r.Body, sum)); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Sum", fmt.Sprintf("%x", sum.Sum(nil)))
		w.Header().Set(http.TrailerPrefix+"X-Back", r.Trailer.Get("X-Client"))
	})})
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	client := r.client(t)
	var work sync.WaitGroup
	for i := range 20 {
		work.Go(func() {
			req := request(t, "POST", r.url, struct{ io.Reader }{bytes.NewReader(data)})
			req.Trailer = http.Header{"X-Client": {fmt.Sprint(i)}}
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, data) {
				t.Errorf("%d bytes, %v", len(body), err)
			}
			if resp.Trailer.Get("X-Sum") != sum || resp.Trailer.Get("X-Back") != fmt.Sprint(i) {
				t.Errorf("trailers %v", resp.Trailer)
			}
		})
	}
	work.Wait()
}

func TestHTTP3ClientGoesAway(t *testing.T) {
	t.Parallel()
	entered, cancelled := make(chan struct{}), make(chan struct{})
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cancelled)
	})})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	client := r.client(t)
	go func() {
		_, err := client.Do(request(t, "GET", r.url, nil).WithContext(ctx))
		failed <- err
	}()
	<-entered
	cancel()
	<-cancelled
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Certificates by name and certificates of clients, both by GetConfigForClient, as package servers makes it.
func TestHTTP3TLS(t *testing.T) {
	t.Parallel()
	certificate, _ := http3Certificate()
	var asked sync.Map
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, _ := feature.Get[feature.TLS](r.Context())
		fmt.Fprint(w, r.TLS.ServerName, " ", state.ClientCertificate() != nil)
	})}, func(config *tls.Config) {
		certificates := config.Certificates
		config.Certificates = nil
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			asked.Store(hello.ServerName, true)
			if hello.ServerName == "nobody.example.com" {
				return nil, errors.New("no such host")
			}
			// These are the names for TCP: QUIC has its own.
			return &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert, NextProtos: []string{"h2", "http/1.1"}}, nil
		}
	})
	for _, c := range []struct {
		name string
		show bool
		want string
	}{
		{"example.com", true, "example.com true"}, {"example.com", false, ""}, {"nobody.example.com", true, ""},
	} {
		client := *r
		client.tls = r.tls.Clone()
		client.tls.ServerName = c.name
		if c.show {
			client.tls.Certificates = certificate.Certificates
		}
		resp, err := client.client(t).Do(request(t, "GET", r.url, nil))
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: got %s", c.name, resp.Status)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != c.want {
			t.Errorf("%s: got %q", c.name, body)
		}
		if _, ok := asked.Load(c.name); !ok {
			t.Errorf("%s: not asked", c.name)
		}
	}
}

func TestHTTP3WithoutTLS(t *testing.T) {
	t.Parallel()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Server{}).ServePackets(c, Binding{}); err == nil {
		t.Error("no error")
	}
	if _, err := c.WriteTo(nil, c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket is open: %v", err)
	}
}
