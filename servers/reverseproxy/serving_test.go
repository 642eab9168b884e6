package reverseproxy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPlain(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, hello), nil)
		port := s.Endpoints()[0].Port
		hosts := []string{"127.0.0.1", "[::1]"}
		if !hasIPv6() {
			hosts = hosts[:1]
		}
		for _, host := range hosts { // localhost is both
			response, body := s.get(t, fmt.Sprintf("http://%s:%d/", host, port))
			if body != "hello" {
				t.Errorf("%s: got %q", host, body)
			}
			if server := response.Header.Get("Server"); strings.ContainsAny(server, "0123456789") {
				t.Errorf("the front tells its version: %s", server)
			}
		}
	})
}

func TestHTTPS(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Proto, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Host == r.Header.Get("X-Forwarded-Host"), " ", r.Host)
		})
		s := play(t, program, app, func(c *Config, p *Public) {
			p.Endpoint = url(t, "https://localhost:0")
			c.Public = append(c.Public, *p)
		})
		for i, want := range []struct{ proto, body string }{{"HTTP/1.1", "HTTP/1.1 http"}, {"HTTP/2.0", "HTTP/1.1 https"}} {
			response, body := s.get(t, s.url(i))
			want.body += fmt.Sprintf(" true localhost:%d", s.Endpoints()[i].Port)
			if response.Proto != want.proto || body != want.body {
				t.Errorf("%s: got %s %q, want %+v", s.url(i), response.Proto, body, want)
			}
		}
	})
}

func TestForwardedHeaders(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		var got *http.Request
		app := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.Clone(context.Background()) })
		s := play(t, program, app, nil)
		send := func(header map[string]string) {
			t.Helper()
			port := s.Endpoints()[0].Port
			request, _ := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("http://127.0.0.1:%d/a%%2Fb//c?q=%%20", port), nil)
			request.Host = "shop.localhost:8080"
			for name, value := range header {
				request.Header.Set(name, value)
			}
			response, err := s.http.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != 200 {
				t.Fatal(response.Status)
			}
		}
		check := func(name, want string) {
			t.Helper()
			if list := got.Header.Values(name); strings.Join(list, "|") != want {
				t.Errorf("%s: got %q, want %q", name, list, want)
			}
		}

		send(nil)
		if got.Host != "shop.localhost:8080" {
			t.Errorf("Host: got %q", got.Host)
		}
		if got.RequestURI != "/a%2Fb//c?q=%20" {
			t.Errorf("the path was changed: %q", got.RequestURI)
		}
		check("X-Forwarded-For", "127.0.0.1")
		check("X-Forwarded-Proto", "http")
		check("X-Forwarded-Host", "shop.localhost:8080")
		check("X-Forwarded-Server", "")
		if program.Kind == Nginx {
			check("Connection", "")
		}

		// What a client says of itself comes before what the front knows, or not at all.
		send(map[string]string{"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil", "Upgrade": "h2c", "Connection": "Upgrade"})
		check("X-Forwarded-For", "9.9.9.9, 127.0.0.1")
		check("X-Forwarded-Proto", "http")
		check("X-Forwarded-Host", "shop.localhost:8080")
		check("Upgrade", "")
	})
}

func TestWebSocket(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, echoUpgraded), nil)
		conn, in := upgrade(t, s)
		defer conn.Close()
		for _, text := range []string{"one\n", "two\n"} {
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			if got, err := in.ReadString('\n'); got != text {
				t.Fatalf("got %q, %v; want %q", got, err, text)
			}
		}
	})
}

// echoUpgraded answers an upgrade with what the client sends.
func echoUpgraded(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
		http.Error(w, fmt.Sprint("no upgrade: ", r.Header), http.StatusBadRequest)
		return
	}
	conn, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	for {
		if stream.Flush() != nil {
			return
		}
		line, err := stream.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = stream.WriteString(line)
	}
}

// upgrade opens a WebSocket, as far as a front looks at it.
func upgrade(t *testing.T, s *stage) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Endpoints()[0].Port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", response, err)
	}
	return conn, in
}

// TestUpload shows that the app gets a body as the client writes it.
func TestUpload(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		seen := make(chan string)
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for in := bufio.NewScanner(r.Body); in.Scan(); {
				seen <- in.Text()
			}
		})
		s := play(t, program, app, nil)
		body, pieces := io.Pipe()
		done := make(chan error, 1)
		go func() {
			response, err := s.http.Post(s.url(0), "", body)
			if err == nil {
				response.Body.Close()
			}
			done <- err
		}()
		for i := range 5 {
			fmt.Fprintf(pieces, "%d\n", i)
			select {
			case text := <-seen:
				if text != fmt.Sprint(i) {
					t.Fatalf("got %q, want %d", text, i)
				}
			case <-time.After(patience):
				t.Fatalf("piece %d is kept back", i)
			}
		}
		pieces.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// TestConversation has each side wait for the other. Apache passes on no answer before it has the whole request.
func TestConversation(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		if program.Kind == Apache {
			return
		}
		// Each side sends its next piece only when it has seen that of the other: whoever buffers hangs.
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			in := bufio.NewReader(r.Body)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				fmt.Fprint(w, "got ", line)
				_ = http.NewResponseController(w).Flush()
			}
		})
		s := play(t, program, app, nil)
		body, pieces := io.Pipe()
		request, _ := http.NewRequestWithContext(t.Context(), "POST", s.url(0), body)
		go func() { _, _ = io.WriteString(pieces, "1\n") }()
		response, err := s.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		in := bufio.NewReader(response.Body)
		for i := 1; i <= 5; i++ {
			if line, err := in.ReadString('\n'); line != fmt.Sprintf("got %d\n", i) {
				t.Fatalf("piece %d: %q, %v", i, line, err)
			}
			fmt.Fprintf(pieces, "%d\n", i+1)
		}
		pieces.Close()
		if _, err := io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	})
}

func TestServerSentEvents(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		seen := make(chan struct{})
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n", i)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-seen:
				case <-r.Context().Done():
					return
				}
			}
		})
		s := play(t, program, app, func(c *Config, p *Public) { // over HTTP/2, as browsers do
			p.Endpoint = url(t, "https://localhost:0")
			c.Public = []Public{*p}
		})
		response, err := s.http.Get(s.url(0))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		in := bufio.NewReader(response.Body)
		for i := range 3 {
			if line, err := in.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("event %d: %q, %v", i, line, err)
			}
			seen <- struct{}{}
		}
	})
}

func TestBodies(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			sum := sha256.New()
			n, err := io.Copy(sum, r.Body)
			fmt.Fprintf(w, "%d %x %v", n, sum.Sum(nil), err)
		})
		for _, test := range []struct {
			name    string
			max     int64
			size    int64
			chunked bool
			want    int
		}{
			{"20 MB", 0, 20 << 20, false, 200},
			{"20 MB in chunks", 0, 20 << 20, true, 200},
			{"the default's limit", 0, DefaultMaxBody, false, 200},
			{"over the default", 0, DefaultMaxBody + 1, false, 413},
			{"over the limit", 1000, 1001, false, 413},
			{"over the limit in chunks", 1000, 1001, true, 413},
			{"without a limit", -1, DefaultMaxBody + 1, false, 200},
		} {
			if test.chunked && test.want == 413 && program.Kind == Apache {
				continue // it does not count what it passes on in chunks
			}
			t.Run(test.name, func(t *testing.T) {
				s := play(t, program, app, func(c *Config, _ *Public) { c.MaxBody = test.max })
				request, _ := http.NewRequestWithContext(t.Context(), "POST", s.url(0), io.LimitReader(zeros{}, test.size))
				if !test.chunked {
					request.ContentLength = test.size
				}
				response, err := s.http.Do(request)
				if test.want == 413 && err != nil {
					return // it was closed on us while we sent, before we could read
				}
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				body, _ := io.ReadAll(response.Body)
				if response.StatusCode != test.want {
					t.Fatalf("got %s %q, want %d", response.Status, body, test.want)
				}
				sum := sha256.New()
				_, _ = io.CopyN(sum, zeros{}, test.size)
				if want := fmt.Sprintf("%d %x <nil>", test.size, sum.Sum(nil)); test.want == 200 && string(body) != want {
					t.Errorf("got %q, want %q", body, want)
				}
			})
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestLargeHeaders(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		large := strings.Repeat("x", 16000)
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Large", r.Header.Get("X-Large"))
		})
		s := play(t, program, app, nil)
		request, _ := http.NewRequestWithContext(t.Context(), "GET", s.url(0), nil)
		request.Header.Set("X-Large", large)
		response, err := s.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 || response.Header.Get("X-Large") != large {
			t.Errorf("got %s with %d bytes", response.Status, len(response.Header.Get("X-Large")))
		}
	})
}

func TestUnixSockets(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		folder, err := filepath.Abs(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		socket := filepath.Join(folder, "app.sock")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Skip("this folder's path is too long for a socket: ", err)
		}
		open(t, folder, socket)
		app := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %q", r.Host, r.Header.Values("X-Forwarded-For"))
		})}}
		app.Start()
		t.Cleanup(app.Close)

		public := filepath.Join(folder, "öffentlich 1.sock")
		s := play(t, program, "http://unix:"+socket, func(c *Config, p *Public) {
			if program.Kind == Nginx {
				c.Public = append(c.Public, Public{Endpoint: url(t, "http://unix:"+public)})
			}
		})
		if _, body := s.get(t, s.url(0)); body != fmt.Sprintf("localhost:%d [%q]", s.Endpoints()[0].Port, "127.0.0.1") && body != fmt.Sprintf("localhost:%d [%q]", s.Endpoints()[0].Port, "::1") {
			t.Errorf("got %s", body)
		}
		if program.Kind == Apache {
			return
		}
		s.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", public)
		}
		if _, body := s.get(t, "http://api.localhost/"); body != "api.localhost []" {
			t.Errorf("through the socket: got %s", body)
		}
	})
}
