package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

func TestW3C(t *testing.T) {
	t.Parallel()
	unix := sample()
	unix.Remote, unix.Local = "@", &net.UnixAddr{Name: "/run/a.sock", Net: "unix"}
	for _, test := range []struct {
		name   string
		fields []string
		e      *exchange.Exchange
		want   string
	}{
		{"default", nil, sample(), "2026-03-02 00:59:58 10.0.0.7 " + computer() + " ::1 5001 GET /a%20b/c ?token=secret 200 59.9171" +
			" HTTP/1.1 example.com:5001 Mozilla/5.0+(X11) https://u:secret@example.com/x?token=secret#secret"},
		{"default, nothing known", nil, empty(), "1970-01-01 00:00:00 - " + computer() + " - - - - - - 0 - - - -"},
		{"one by one", []string{"sc-bytes", "cs-bytes", "cs-username", "cs(Cookie)"}, sample(), "1234 7 Ada+L session=secret"},
		{"in one", []string{"sc-bytes cs-bytes"}, sample(), "1234 7"},
		{"any header", []string{"cs(x-id) cs(Absent) CS(HOST)"}, sample(), "a+b - example.com:5001"},
		{"only IIS knows", []string{"s-sitename", "sc-substatus", "sc-win32-status"}, sample(), "- - -"},
		{"unix socket", []string{"c-ip s-ip s-port"}, unix, "- - -"},
		{"IPv6 with a zone", []string{"c-ip"}, &exchange.Exchange{Remote: "[fe80::1%eth0]:80"}, "fe80::1%eth0"},
		{"what seems a directive", []string{"cs-method sc-status"}, &exchange.Exchange{Method: "#Fields"}, "%23Fields -"},
		{"line breaks", []string{"cs(User-Agent) cs-host"}, &exchange.Exchange{UserAgent: "a\r\nb\u2028c\u0085d\x00e\tf", Host: " \n"}, "a++b+c+d+e+f -"},
		{"not UTF-8", []string{"cs(User-Agent)"}, &exchange.Exchange{UserAgent: "a\xffb\u202ec"}, "a\ufffdb+c"},
		{"microseconds", []string{"time-taken"}, &exchange.Exchange{Duration: 180_299 * time.Nanosecond}, "0.1802"},
		{"hours", []string{"time-taken"}, &exchange.Exchange{Duration: 26 * time.Hour}, "93600000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var w writes
			l, err := W3C(&w, test.fields...)
			if err != nil {
				t.Fatal(err)
			}
			l.listener.End(test.e)
			if got := w[len(w)-1]; got != test.want+"\n" {
				t.Errorf("\ngot  %swant %s", got, test.want)
			}
		})
	}
}

func computer() string {
	if name := hostname(); name != "" {
		return name
	}
	return "-"
}

func TestW3CDirectives(t *testing.T) {
	t.Parallel()
	var w writes
	l, err := W3C(&w, "DATE cs(user-agent)  cs-HOST")
	if err != nil {
		t.Fatal(err)
	}
	if len(w) != 0 {
		t.Errorf("written before the first request: %q", w)
	}
	before := time.Now().UTC().Truncate(time.Second)
	l.listener.End(sample())
	l.listener.End(sample())
	line := "2026-03-02 Mozilla/5.0+(X11) example.com:5001\n"
	if len(w) != 5 || w[0] != "#Version: 1.0\n" || w[2] != "#Fields: date cs(User-Agent) cs-host\n" || w[3] != line || w[4] != line {
		t.Fatalf("%q", w)
	}
	start, err := time.Parse("#Start-Date: 2006-01-02 15:04:05\n", w[1])
	if err != nil || start.Before(before) || start.After(time.Now()) {
		t.Errorf("%q: %v", w[1], err)
	}
}

func TestW3CUnknownFields(t *testing.T) {
	t.Parallel()
	for _, unknown := range []string{"sc-what", "cs()", "cs(a b", "cs(a:b)", "sc(Server)", "#Fields:", "cs(", "date,time"} {
		_, err := W3C(io.Discard, "date", unknown, "time")
		f, ok := errors.AsType[*FieldError](err)
		if !ok {
			t.Errorf("%q: %v", unknown, err)
			continue
		}
		if f.Name != strings.Fields(unknown)[0] || !strings.Contains(f.Hint(), "cs-uri-stem") || !strings.Contains(f.Hint(), "cs(Name)") {
			t.Errorf("%q: %v, %s", unknown, err, f.Hint())
		}
	}
	_, err := W3C(io.Discard, "one two")
	if want := "unknown field of the W3C log format: \"one\"\nunknown field of the W3C log format: \"two\""; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFieldsAreKnown(t *testing.T) {
	t.Parallel()
	known := KnownFields()
	for _, name := range append(DefaultFields(), strings.Fields("cs-username cs(Cookie) sc-bytes cs-bytes")...) {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not among the known fields", name)
		}
	}
	if _, err := W3C(io.Discard, known...); err != nil {
		t.Error(err)
	}
}

// made makes an exchange of a fuzzer's bytes.
func made(method, path, query, host, value string, n int64) *exchange.Exchange {
	h := http.Header{"Cookie": {value, path}, "X-Id": {value}, "Authorization": {"Basic " + value}}
	return &exchange.Exchange{
		Start: time.Unix(n%4e9, n), Method: method, Scheme: value, Host: host, Path: path, RawPath: query, Query: query, Proto: value,
		UserAgent: value, Referer: value, Remote: host, Request: &http.Request{Header: h}, Duration: time.Duration(n),
		Status: int(n), Received: n, Sent: -n, Route: path,
	}
}

func seed(f *testing.F) {
	f.Add("GET", "/", "", "example.com", "Mozilla/5.0 (X11)", int64(200))
	f.Add("#Fields:", "/a b\r\nc", "x=\ny", "[::1]:80", "\x85\xff\u2028\u00a0\u3000#", int64(-1))
	f.Add("", " ", "\t", "a b:1", "\x00\x7f", int64(1<<62))
}

// FuzzW3C has no input make another line, another number of columns or a directive.
func FuzzW3C(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, method, path, query, host, value string, n int64) {
		e := made(method, path, query, host, value, n)
		for _, fields := range [][]string{
			DefaultFields(), {"cs-method", "cs(User-Agent)", "cs(Cookie)", "cs(X-Id)", "cs-username", "sc-bytes"}, {"cs(Referer)"}, {"c-ip", "cs-host"},
		} {
			var w writes
			l, err := W3C(&w, fields...)
			if err != nil {
				t.Fatal(err)
			}
			l.listener.End(e)
			line, ok := strings.CutSuffix(w[3], "\n")
			if !ok || len(w) != 4 || !utf8.ValidString(line) || strings.HasPrefix(line, "#") || strings.ContainsAny(line, "\r\n\v\f\t\x00\u0085\u2028\u2029") {
				t.Errorf("%q", w[3:])
			}
			columns := strings.Split(line, " ")
			if len(columns) != len(fields) || len(strings.Fields(line)) != len(fields) {
				t.Errorf("%d columns, want %d: %q", len(columns), len(fields), line)
			}
		}
	})
}

// FuzzJSON has every line be one JSON object without a key twice.
func FuzzJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, method, path, query, host, value string, n int64) {
		var w writes
		JSON(&w, Query, Cookie).listener.End(made(method, path, query, host, value, n))
		if len(w) != 1 || strings.Count(w[0], "\n") != 1 || !strings.HasSuffix(w[0], "\n") || !utf8.ValidString(w[0]) {
			t.Fatalf("%q", w)
		}
		d := json.NewDecoder(strings.NewReader(w[0]))
		keys := map[string]bool{}
		if start, err := d.Token(); err != nil || start != json.Delim('{') {
			t.Fatalf("%v, %v", start, err)
		}
		for d.More() {
			key, err := d.Token()
			if err != nil || keys[key.(string)] {
				t.Fatalf("key %q: twice, or %v", key, err)
			}
			keys[key.(string)] = true
			got, err := d.Token()
			if err != nil || got == json.Delim('{') {
				t.Fatalf("%q: %v, %v", key, got, err)
			}
			if want := string([]rune(value)); key == "user_agent.original" && got != want {
				t.Errorf("%q reads back as %q", want, got)
			}
		}
		if !json.Valid([]byte(w[0])) || !keys["time"] || !keys["http.request.method"] {
			t.Errorf("%q", w[0])
		}
	})
}

// BenchmarkLog shows what each form costs beside a handler that nobody listens to.
func BenchmarkLog(b *testing.B) {
	w3c, err := W3C(io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	for _, bench := range []struct {
		name string
		logs []Log
	}{
		{"none", nil},
		{"json", []Log{JSON(io.Discard)}},
		{"slog", []Log{Slog(slog.New(slog.NewTextHandler(&text, nil)))}},
		{"w3c", []Log{w3c}},
		{"metrics", []Log{Metrics(deaf{})}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			h := Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), bench.logs...)
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/items/7?a=b", nil)
			r.Header.Set("User-Agent", "bench/1.0")
			for b.Loop() {
				h.ServeHTTP(w, r)
				text.Reset()
			}
		})
	}
}

// deaf is a metrics.Meter.
type deaf struct{}

func (deaf) Add(string, int64, ...slog.Attr)      {}
func (deaf) Record(string, float64, ...slog.Attr) {}
