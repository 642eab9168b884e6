package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// sample is an exchange in which everything is there.
func sample() *exchange.Exchange {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session=secret")
	r.Header.Set("X-Id", "a b")
	r.SetBasicAuth("Ada L", "secret")
	return &exchange.Exchange{
		Start:  time.Date(2026, 3, 1, 23, 59, 58, 0, time.FixedZone("", -3600)),
		Method: "GET", Scheme: "https", Host: "example.com:5001", Path: "/a b/c", Query: "token=secret", Target: "/a%20b/c?token=secret",
		Proto: "HTTP/1.1", UserAgent: "Mozilla/5.0 (X11)", Referer: "https://u:secret@example.com/x?token=secret#secret",
		Remote: "[::ffff:10.0.0.7]:4321", Local: &net.TCPAddr{IP: net.IPv6loopback, Port: 5001}, Request: r,
		Duration: 59*time.Millisecond + 917_123*time.Nanosecond, Status: 200, Received: 7, Sent: 1234, Route: "GET example.com/{a}/c",
	}
}

// empty is an exchange of which nothing is known.
func empty() *exchange.Exchange {
	return &exchange.Exchange{Start: time.Unix(0, 0), Request: &http.Request{}, Panicked: true}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		extra []Extra
		e     *exchange.Exchange
		want  string
	}{
		{"everything but secrets", nil, sample(), `{"time":"2026-03-02T00:59:58.059917123Z","http.request.method":"GET","url.scheme":"https",` +
			`"server.address":"example.com","server.port":5001,"url.path":"/a%20b/c","client.address":"10.0.0.7","client.port":4321,` +
			`"network.protocol.version":"1.1","http.route":"/{a}/c","http.response.status_code":200,"http.request.body.size":7,` +
			`"http.response.body.size":1234,"http.server.request.duration":0.0599171,"user_agent.original":"Mozilla/5.0 (X11)",` +
			`"http.request.header.referer":"https://example.com/x"}`},
		{"nothing", []Extra{Query, Cookie}, empty(), `{"time":"1970-01-01T00:00:00Z","http.request.method":"_OTHER",` +
			`"http.request.body.size":0,"http.response.body.size":0,"http.server.request.duration":0,"error.type":"panic"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			JSON(&b, test.extra...).listener.End(test.e)
			if got := b.String(); got != test.want+"\n" {
				t.Errorf("\ngot  %swant %s", got, test.want)
			}
		})
	}
}

func TestSecretsAreLoggedOnRequestOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		log  func(io.Writer) Log
		want string // how often "secret" is in the line
	}{
		{"JSON", func(w io.Writer) Log { return JSON(w) }, "0"},
		{"Slog", func(w io.Writer) Log { return Slog(slog.New(slog.NewTextHandler(w, nil))) }, "0"},
		{"JSON with query", func(w io.Writer) Log { return JSON(w, Query) }, "4"}, // of these 3 in the referer
		{"Slog with cookies", func(w io.Writer) Log { return Slog(slog.New(slog.NewTextHandler(w, nil)), Cookie) }, "1"},
		{"JSON with both", func(w io.Writer) Log { return JSON(w, Query, Cookie) }, "5"},
		{"W3C", func(w io.Writer) Log { l, _ := W3C(w); return l }, "4"}, // as W3CLogger
		{"W3C without", func(w io.Writer) Log { l, _ := W3C(w, "cs-uri-stem cs-username"); return l }, "0"},
		{"W3C with cookies", func(w io.Writer) Log { l, _ := W3C(w, "cs(Cookie)"); return l }, "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			test.log(&b).listener.End(sample())
			if got := fmt.Sprint(strings.Count(b.String(), "secret")); got != test.want || b.Len() == 0 {
				t.Errorf("%s secrets, want %s: %s", got, test.want, b.String())
			}
		})
	}
}

func TestReferer(t *testing.T) {
	t.Parallel()
	for referer, want := range map[string]string{
		"": "", "https://a/b": "https://a/b", "https://a/b?": "https://a/b", "https://a/b?c#d": "https://a/b",
		"https://u:p@a/b": "https://a/b", "/b?c": "/b", "https://a/%zz?secret": "", "https://[a": "",
	} {
		if got := (structured{}).referer(referer); got != want {
			t.Errorf("referer(%q) = %q, want %q", referer, got, want)
		}
	}
}

func TestSlog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	e := sample()
	e.Method, e.Status, e.Remote = "BREW", 503, "@"
	l := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{AddSource: true}))
	Slog(l).listener.End(e)
	for _, want := range []string{
		"level=INFO msg=request http.request.method=_OTHER http.request.method_original=BREW ", " error.type=503 ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "client.") {
		t.Errorf("a unix socket's client has an address: %s", b.String())
	}
	b.Reset()
	Slog(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn}))).listener.End(sample())
	if b.Len() > 0 {
		t.Errorf("logged below the level: %s", b.String())
	}
}

// TestWrap has three logs hear of one request by a real server.
func TestWrap(t *testing.T) {
	t.Parallel()
	var lines, fields, numbers notes
	w3c, err := W3C(&fields, "cs-method cs-uri-stem sc-status cs-bytes sc-bytes")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})
	s := httptest.NewServer(Wrap(mux, JSON(&lines), w3c, Log{}, Metrics(&numbers)))
	resp, err := s.Client().Post(s.URL+"/items/7", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.Close() // waits for the handlers
	var line map[string]any
	if err := json.Unmarshal([]byte(lines.String()), &line); err != nil || line["http.route"] != "/items/{id}" ||
		line["http.response.body.size"] != 5.0 || line["client.address"] != "127.0.0.1" {
		t.Errorf("%v in %s", err, lines.String())
	}
	if want := "POST /items/7 200 5 5\n"; !strings.HasSuffix(fields.String(), "\n"+want) {
		t.Errorf("got %q, want %q", fields.String(), want)
	}
	want := `http.server.active_requests 1 [http.request.method=POST url.scheme=http]
http.server.active_requests -1 [http.request.method=POST url.scheme=http]
http.server.request.duration [http.request.method=POST url.scheme=http network.protocol.version=1.1 http.route=/items/{id} http.response.status_code=200]
`
	if got := numbers.String(); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	failed, _ := W3C(io.Discard, "what")
	nowhere, err := W3C(nil)
	if err != nil {
		t.Error(err)
	}
	if got := Wrap(mux, Log{}, Metrics(nil), JSON(nil), nowhere, failed); got != http.Handler(mux) {
		t.Errorf("wrapped in %T", got)
	}
}

func TestMetricsOfFailures(t *testing.T) {
	t.Parallel()
	for want, handler := range map[string]http.HandlerFunc{
		" network.protocol.version=1.1 error.type=panic]":                                     func(http.ResponseWriter, *http.Request) { panic("boom") },
		" network.protocol.version=1.1 http.response.status_code=502 error.type=502]":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		" network.protocol.version=1.1 http.response.status_code=404]":                        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		"=_OTHER url.scheme=http network.protocol.version=1.1 http.response.status_code=200]": func(http.ResponseWriter, *http.Request) {},
	} {
		var n notes
		method := "GET"
		if strings.Contains(want, "_OTHER") {
			method = "MADEUP"
		}
		func() {
			defer func() { _ = recover() }()
			Wrap(handler, Metrics(&n)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
		}()
		if !strings.HasSuffix(n.String(), want+"\n") || strings.Count(n.String(), "active_requests") != 2 {
			t.Errorf("got %s, want %s", n.String(), want)
		}
	}
}

// TestLinesAreNotMixed has many requests at once, each of whose lines must be in one Write.
func TestLinesAreNotMixed(t *testing.T) {
	t.Parallel()
	for name, log := range map[string]func(io.Writer) Log{
		"JSON": func(w io.Writer) Log { return JSON(w) },
		"W3C":  func(w io.Writer) Log { l, _ := W3C(w, "cs-uri-stem"); return l },
	} {
		var w writes // without a lock of its own
		h := Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), log(&w))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 50 {
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", fmt.Sprintf("/%d/%d", i, j), nil))
				}
			})
		}
		all.Wait()
		seen := map[string]bool{}
		for _, line := range w {
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: one Write got %q", name, line)
			}
			seen[line] = true
		}
		directives := map[string]int{"JSON": 0, "W3C": 3}[name]
		if len(w) != 400+directives || len(seen) != len(w) {
			t.Errorf("%s: %d writes, %d of them different, want %d", name, len(w), len(seen), 400+directives)
		}
	}
}

// TestFailingWriter changes slog.Default, and so runs alone.
func TestFailingWriter(t *testing.T) {
	var told bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&told, nil)))
	defer slog.SetDefault(before)
	for name, log := range map[string]func(io.Writer) Log{
		"json": func(w io.Writer) Log { return JSON(w) },
		"w3c":  func(w io.Writer) Log { l, _ := W3C(w, "cs-uri-stem"); return l },
	} {
		told.Reset()
		w := &broken{left: 3}
		h := Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }), log(w))
		for range 5 {
			rec := httptest.NewRecorder()
			if h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil)); rec.Code != 201 {
				t.Errorf("%s: the request failed with %d", name, rec.Code)
			}
		}
		if n := strings.Count(told.String(), "form="+name+" error=\"disk full\""); n != 1 || strings.Count(told.String(), "\n") != 1 {
			t.Errorf("%s: told %d times: %s", name, n, told.String())
		}
		if first := strings.SplitN(w.String(), " ", 2)[0]; name == "w3c" && first != "#Version:" {
			t.Errorf("the first line that could be written is %q, not a directive", w.String())
		}
	}
}

// notes is a metrics.Meter and an io.Writer that others may read.
type notes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}
func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}
func (n *notes) Add(name string, delta int64, attrs ...slog.Attr) {
	fmt.Fprintln(n, name, delta, attrs)
}
func (n *notes) Record(name string, value float64, attrs ...slog.Attr) {
	if value <= 0 || value > 60 {
		fmt.Fprint(n, "not in seconds: ", value, " ")
	}
	fmt.Fprintln(n, name, attrs)
}

// writes has an entry for each Write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// broken fails for some writes, then takes them.
type broken struct {
	left int
	strings.Builder
}

func (b *broken) Write(p []byte) (int, error) {
	if b.left--; b.left >= 0 {
		return 0, errors.New("disk full")
	}
	return b.Builder.Write(p)
}
