package kestrel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
)

func TestHTTP2Cleartext(t *testing.T) {
	t.Parallel()
	addr := listen(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", r.TLS != nil, " ", r.Host, " ", string(body))
	})}, cleartext())
	resp, err := browser(t).Post("http://"+addr, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "HTTP/2.0 false "+addr+" hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(limit))
	io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) || !bytes.Contains(answer, []byte("HTTP/2 only endpoint")) {
		t.Errorf("HTTP/1.1 got %q, %v", answer, err)
	}
}

// The settings that are announced are Kestrel's by default, and those that were set otherwise; numbers that HTTP/2 has not are
// the nearest that it has.
func TestHTTP2Settings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits Limits
		want   map[h2.SettingID]uint32
		window uint32 // by which the connection's is more than 65,535
	}{
		"defaults": {Limits{}, map[h2.SettingID]uint32{
			h2.SettingMaxConcurrentStreams: 100, h2.SettingMaxFrameSize: 16_384, h2.SettingInitialWindowSize: 768 << 10,
			h2.SettingHeaderTableSize: 4096, h2.SettingMaxHeaderListSize: 32_768,
		}, 1<<20 - 65_535},
		"set": {Limits{MaxRequestHeadersTotalSize: 10_000, HTTP2: limits.HTTP2{
			MaxStreamsPerConnection: 7, MaxFrameSize: 20_000, InitialStreamWindowSize: 70_000, HeaderTableSize: 100,
			InitialConnectionWindowSize: 80_000,
		}}, map[h2.SettingID]uint32{
			h2.SettingMaxConcurrentStreams: 7, h2.SettingMaxFrameSize: 20_000, h2.SettingInitialWindowSize: 70_000,
			h2.SettingHeaderTableSize: 100, h2.SettingMaxHeaderListSize: 10_000,
		}, 80_000 - 65_535},
		"out of range": {Limits{HTTP2: limits.HTTP2{MaxFrameSize: 1, InitialStreamWindowSize: 1}},
			map[h2.SettingID]uint32{h2.SettingMaxFrameSize: 16_384, h2.SettingInitialWindowSize: 65_535}, 1<<20 - 65_535},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", listen(t, &Server{Limits: tt.limits}, cleartext()))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(limit))
			io.WriteString(conn, h2.ClientPreface)
			c := &wire{TB: t, Conn: conn, Framer: h2.NewFramer(conn, conn)}
			settings := c.until("settings", func(h2.Frame) bool { return true }).(*h2.SettingsFrame)
			for id, want := range tt.want {
				if got, ok := settings.Value(id); got != want || !ok {
					t.Errorf("%v: got %d, want %d", id, got, want)
				}
			}
			if got := c.until("the window", func(h2.Frame) bool { return true }).(*h2.WindowUpdateFrame); got.Increment != tt.window {
				t.Errorf("the connection's window grows by %d, want %d", got.Increment, tt.window)
			}
		})
	}
}

// joined is the key of what a ConnContext adds.
type joined struct{}

func TestHTTP2Features(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		c, _ := feature.Get[feature.Connection](ctx)
		secure, isTLS := feature.Get[feature.TLS](ctx)
		upgrade, _ := feature.Get[feature.Upgrade](ctx)
		trailers, _ := feature.Get[feature.Trailers](ctx)
		_, rates := feature.Get[feature.DataRates](ctx)
		_, server := feature.Get[feature.Server](ctx)
		local, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprint(w, c.ID, " ", c.Remote.String() == r.RemoteAddr, c.Local == local, isTLS, secure.State.NegotiatedProtocol,
			upgrade.IsUpgradable(), trailers.IsSupported(), rates, server, ctx.Value(joined{}) == r.RemoteAddr)
	}), ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, joined{}, c.RemoteAddr().String())
	}}
	seen := map[string]bool{}
	for url, want := range map[string]string{
		"http://" + listen(t, s, cleartext()): "true true false false true true false true",
		"https://" + listen(t, s, secured()):  "true true true h2 false true true false true",
	} {
		client := browser(t)
		id, rest, _ := strings.Cut(body(t, client, url), " ")
		again, _, _ := strings.Cut(body(t, client, url), " ")
		if strings.ReplaceAll(rest, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: got %s, want %s", url, rest, want)
		}
		if len(id) != 13 || id != again || seen[id] {
			t.Errorf("%s: the connection is %q, then %q", url, id, again)
		}
		seen[id] = true
	}
}

// A request without a body has none to read, as in HTTP/1.x; what would be allowed to one can be asked and changed.
func TestHTTP2NoBody(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, _ := feature.Get[feature.Body](r.Context())
		before := limit.MaxSize()
		err := limit.SetMaxSize(5)
		rates, _ := feature.Get[feature.DataRates](r.Context())
		rates.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: -1})
		fmt.Fprint(w, r.Body == http.NoBody, before, limit.MaxSize(), err)
	})}
	if got := body(t, browser(t), "http://"+listen(t, s, cleartext())); got != "true 30000000 5 <nil>" {
		t.Errorf("got %s", got)
	}
}

func body(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// Every response has the server's fields, unless the handler sets its own or takes them away.
func TestHTTP2ServerFields(t *testing.T) {
	t.Parallel()
	s := &Server{ServerHeader: "gorun", Limits: Limits{MaxRequestBodySize: 1}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/own":
			w.Header().Set("Server", "own")
			w.Header().Set("Alt-Svc", "clear")
		case "/none":
			w.Header().Del("Server")
			w.Header().Del("Alt-Svc")
		case "/refused":
			w.Header().Set("X-Lost", "x")
			io.Copy(w, r.Body)
		}
	})}
	b := cleartext()
	b.AltSvc = `h3=":1"`
	url := "http://" + listen(t, s, b)
	for path, want := range map[string]string{
		"": "200 gorun h3=\":1\" ", "/own": "200 own clear ", "/none": "200   ", "/refused": "413 gorun h3=\":1\" ",
	} {
		resp, err := browser(t).Post(url+path, "text/plain", strings.NewReader("xx"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Server"), " ", resp.Header.Get("Alt-Svc"), " ", resp.Header.Get("X-Lost"))
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// Heads that are too much, or not what Kestrel takes, get an answer and do not reach the handler.
func TestHTTP2Heads(t *testing.T) {
	t.Parallel()
	many := func(n int) (fields []string) {
		for i := range n {
			fields = append(fields, fmt.Sprint("x-", i), "v")
		}
		return fields
	}
	for name, tt := range map[string]struct {
		limits Limits
		fields []string
		method string
		want   string
	}{
		"as many as may be":  {Limits{}, many(100), "GET", "204"},
		"one too many":       {Limits{}, many(101), "GET", "431"},
		"no limit of number": {Limits{MaxRequestHeaderCount: -1}, many(400), "GET", "204"},
		"long":               {Limits{}, []string{"x", strings.Repeat("~", 32_000)}, "GET", "204"},
		"too long together":  {Limits{}, []string{"x", strings.Repeat("~", 16_000), "y", strings.Repeat("~", 17_000)}, "GET", "431"},
		"a field too long":   {Limits{HTTP2: limits.HTTP2{MaxRequestHeaderFieldSize: 100}}, []string{"x", strings.Repeat("~", 100)}, "GET", "431"},
		"a field as long":    {Limits{HTTP2: limits.HTTP2{MaxRequestHeaderFieldSize: 100}}, []string{"x", strings.Repeat("~", 99)}, "GET", "204"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialWire(t, listen(t, &Server{Limits: tt.limits, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNoContent)
			})}, cleartext()))
			block := c.fields(append([]string{":method", tt.method, ":scheme", "http", ":authority", "h", ":path", "/"}, tt.fields...)...)
			first := min(len(block), 16_384)
			c.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: first == len(block), BlockFragment: block[:first]})
			for rest := block[first:]; len(rest) > 0; {
				n := min(len(rest), 16_384)
				c.WriteContinuation(1, n == len(rest), rest[:n])
				rest = rest[n:]
			}
			if got := c.status(1); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Kestrel is stricter than net/http about what a request asks for.
func TestHTTP2Targets(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if secure := r.Header.Get("secure") != ""; secure != (r.TLS != nil) {
			t.Errorf("%s: TLS is %v", r.RequestURI, r.TLS)
		}
	})}
	plain, secure := dialWire(t, listen(t, s, cleartext())), dialWireTLS(t, listen(t, s, secured()))
	for i, tt := range []struct {
		on                         *wire
		method, scheme, path, want string
	}{
		{plain, "GET", "http", "/", "204"},
		{plain, "GET", "http", "http://other/", "400"},
		{plain, "GET", "http", "*", "400"},
		{plain, "OPTIONS", "http", "*", "204"},
		{secure, "GET", "https", "/", "204"},
		{secure, "GET", "http", "/", "204"},
	} {
		id := uint32(2*i + 1)
		fields := []string{":method", tt.method, ":scheme", tt.scheme, ":authority", "h", ":path", tt.path}
		if tt.on == secure {
			fields = append(fields, "secure", "yes")
		}
		tt.on.WriteHeaders(h2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: tt.on.fields(fields...)})
		if got := tt.on.status(id); got != tt.want {
			t.Errorf("%s %s by %s: got %s, want %s", tt.method, tt.path, tt.scheme, got, tt.want)
		}
	}
}

// What net/http's ResponseWriter can do for HTTP/2, the handler's can.
func TestHTTP2Writer(t *testing.T) {
	t.Parallel()
	addr := listen(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Hijacker); ok {
			t.Error("there is nothing to hijack")
		}
		if _, ok := w.(io.ReaderFrom); ok {
			t.Error("net/http's has no ReadFrom")
		}
		if err := w.(http.Pusher).Push("/pushed", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Push to a client that does not want it: %v", err)
		}
		control := http.NewResponseController(w)
		later := time.Now().Add(time.Hour)
		err := errors.Join(control.EnableFullDuplex(), control.SetReadDeadline(later), control.SetWriteDeadline(later), control.SetWriteDeadline(time.Time{}))
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Declared")
		io.WriteString(w, "one ")
		if err := control.Flush(); err != nil {
			t.Error(err)
		}
		in, _ := io.ReadAll(r.Body)
		w.Write(in)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Declared", r.Trailer.Get("X-Client"))
		w.Header().Set(http.TrailerPrefix+"X-Sudden", "sudden")
	})}, cleartext())
	from, to := io.Pipe()
	request, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr, from)
	request.Trailer = http.Header{"X-Client": nil}
	resp, err := browser(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, first); string(first) != "one " || err != nil {
		t.Errorf("before the body was sent: %q, %v", first, err)
	}
	io.WriteString(to, "two")
	request.Trailer.Set("X-Client", "declared")
	to.Close()
	if rest, err := io.ReadAll(resp.Body); string(rest) != "two" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	if resp.Trailer.Get("X-Declared") != "declared" || resp.Trailer.Get("X-Sudden") != "sudden" {
		t.Errorf("trailers are %v", resp.Trailer)
	}
}

// Extended CONNECT is off, and plain CONNECT is the handler's, as with net/http.
func TestHTTP2Connect(t *testing.T) {
	t.Parallel()
	c := dialWire(t, listen(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})}, cleartext()))
	c.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: c.fields(":method", "CONNECT", ":authority", "h:1")})
	if got := c.status(1); got != "204" {
		t.Errorf("CONNECT got %s", got)
	}
	c.ask(3, "CONNECT", false, ":protocol", "websocket")
	if got := c.reset(3); got != h2.ErrCodeProtocol {
		t.Errorf("extended CONNECT got %v", got)
	}
}

// The files of a form that the handler has parsed go away with the request, which net/http does for the request that it knows.
func TestHTTP2FormFiles(t *testing.T) {
	t.Parallel()
	name := make(chan string, 1)
	var gone atomic.Bool
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
			return
		}
		f, err := r.MultipartForm.File["f"][0].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		name <- f.(*os.File).Name()
	})}
	url := "http://" + listen(t, s, cleartext())
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, _ := w.CreateFormFile("f", "f")
	part.Write(make([]byte, 11<<20))
	w.Close()
	resp, err := browser(t).Post(url, w.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	_, err = os.Stat(<-name)
	gone.Store(errors.Is(err, os.ErrNotExist))
	if !gone.Load() {
		t.Errorf("the file is still there: %v", err)
	}
}

// A panic costs its request alone, and is told.
func TestHTTP2Panic(t *testing.T) {
	t.Parallel()
	told := make(messages, 10)
	c := dialWire(t, listen(t, &Server{Log: slog.New(told), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("do") {
		case "panic":
			panic("broken")
		case "abort":
			panic(http.ErrAbortHandler)
		}
	})}, cleartext()))
	c.ask(1, "GET", true, "do", "abort")
	c.reset(1)
	c.ask(3, "GET", true, "do", "panic")
	c.reset(3)
	c.ask(5, "GET", true)
	if got := c.status(5); got != "200" {
		t.Errorf("then: %s", got)
	}
	if got := <-told; got.Level != slog.LevelError || !strings.Contains(got.Message, ": broken\n") {
		t.Errorf("told: %v", got)
	}
}

// messages is a log whose lines above Debug can be waited for.
type messages chan slog.Record

func (m messages) Enabled(_ context.Context, l slog.Level) bool  { return l > slog.LevelDebug }
func (m messages) Handle(_ context.Context, r slog.Record) error { m <- r; return nil }
func (m messages) WithAttrs([]slog.Attr) slog.Handler            { return m }
func (m messages) WithGroup(string) slog.Handler                 { return m }

func TestHTTP2OnlyOverTLS(t *testing.T) {
	t.Parallel()
	client := browser(t)
	client.Transport.(*http.Transport).Protocols = new(http.Protocols)
	client.Transport.(*http.Transport).Protocols.SetHTTP1(true)
	url := "https://" + listen(t, &Server{}, secured())
	if resp, err := client.Get(url); err == nil {
		resp.Body.Close()
		t.Errorf("HTTP/1.1 got %s from %v", resp.Status, endpoint.HTTP2)
	}
}
