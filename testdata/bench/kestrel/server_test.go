package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// TestMain has the test's own binary be the servers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		exit(serve(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func prepared(t *testing.T) *bench {
	t.Helper()
	b := &bench{pairs: 1, seconds: 1, idle: 50, dir: t.TempDir()}
	if err := b.prepare(); err != nil {
		t.Fatal(err)
	}
	return b
}

// started starts both servers, which must end when the test does.
func started(t *testing.T, b *bench, s scenario) map[string]*server {
	t.Helper()
	both, stop, err := b.startBoth(t.Context(), s)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return both
}

// needs skips a test without a tool, but not under CI.
func needs(t *testing.T, names ...string) {
	t.Helper()
	chosen, err := choose(scenarios(), names)
	if err == nil {
		err = findTools(chosen)
	}
	if err != nil && os.Getenv("GORUN_CI") == "1" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
}

// TestAnswers has both servers answer alike in every scenario, and each differently from the others.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	both := started(t, b, scenario{})
	for _, s := range scenarios() {
		if s.name == "h2c" {
			if why, err := refusesH2C(t.Context(), both[ours], s.request); why != "" || err != nil {
				t.Logf("not compared: %s %v", why, err)
				continue
			}
		}
		if err := b.verify(t.Context(), both, s.request); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	for _, test := range []struct {
		request subject.Request
		proto   string
		length  int
		begins  string
	}{
		{subject.Request{Scheme: "http", Method: "GET", Path: "/"}, "HTTP/1.1", 13, "Hello, World!"},
		{subject.Request{Scheme: "http", Method: "GET", Path: "/json"}, "HTTP/1.1", 39, `{"message":"Hello`},
		{subject.Request{Scheme: "http", Method: "POST", Path: "/echo", Body: "hello"}, "HTTP/1.1", 5, "hello"},
		{subject.Request{Scheme: "http", Method: "GET", Path: "/file"}, "HTTP/1.1", 100_000, "0123"},
		{subject.Request{Scheme: "https", Method: "GET", Path: "/", HTTP2: true}, "HTTP/2.0", 13, "Hello"},
	} {
		got, err := b.trust.Fetch(t.Context(), both[ours].url(test.request), test.request)
		if err != nil || got.Proto != test.proto || len(got.Body) != test.length || !strings.HasPrefix(got.Body, test.begins) {
			t.Errorf("%+v: got %+v, %v", test.request, got.Short(), err)
		}
	}
	nothing := subject.Request{Scheme: "http", Method: "GET", Path: "/nothing"}
	if _, err := b.trust.Fetch(t.Context(), both[bare].url(nothing), nothing); err == nil {
		t.Error("a 404 is accepted")
	}
}

// TestVerify has different answers be found.
func TestVerify(t *testing.T) {
	t.Parallel()
	b := &bench{}
	both := map[string]*server{ours: listeningServer(t, "one"), bare: listeningServer(t, "two")}
	err := b.verify(t.Context(), both, subject.Request{Scheme: "http", Method: "GET", Path: "/"})
	if err == nil || !strings.Contains(err.Error(), "do not answer alike") {
		t.Errorf("got %v", err)
	}
}

// listeningServer is a server in this process.
func listeningServer(t *testing.T, text string) *server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(text)) }))
	t.Cleanup(s.Close)
	said := subject.NewAnnouncements("http")
	fmt.Fprintln(said, subject.Listening+s.URL)
	return &server{role: text, said: said}
}

func TestH2C(t *testing.T) {
	t.Parallel()
	r := subject.Request{Scheme: "h2c", Method: "GET", Path: "/", HTTP2: true}
	if why, err := refusesH2C(t.Context(), listeningServer(t, "HTTP/1.1"), r); why == "" || err != nil {
		t.Errorf("got %q, %v", why, err)
	}
	b := prepared(t)
	both := started(t, b, scenario{})
	if why, err := refusesH2C(t.Context(), both[bare], r); why != "" || err != nil {
		t.Errorf("net/http is said not to speak it: %s %v", why, err)
	}
	if got, err := b.trust.Fetch(t.Context(), both[bare].url(r), r); err != nil || got.Proto != "HTTP/2.0" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestOwnLoads runs the loads that need no tool.
func TestOwnLoads(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	both := started(t, b, scenario{})
	for _, role := range []string{ours, bare} {
		for _, load := range []loader{handshakes{}, idle{}} {
			r := subject.Request{Scheme: "https", Method: "GET", Path: "/"}
			if load == (idle{}) {
				r.Scheme = "http"
			}
			got, err := load.measure(t.Context(), b, both[role], r, 100*time.Millisecond)
			if err != nil || got.Errors > 0 {
				t.Errorf("%s, %T: %+v, %v", role, load, got, err)
			}
		}
	}
}

// TestErrorsAreCounted has a server that answers 404 to whom asks for what is not there.
func TestErrorsAreCounted(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	both := started(t, b, scenario{})
	address, err := url.Parse(both[bare].url(subject.Request{Scheme: "https", Path: "/nothing"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t.Context(), address); err == nil {
		t.Error("a 404 is no error")
	}
	var client handshakeClient
	client.work(t.Context(), address, time.Now().Add(time.Minute))
	if len(client.errs) != clientPatience || len(client.latencies) > 0 {
		t.Errorf("%d errors, %d answers", len(client.errs), len(client.latencies))
	}
	if s, err := joined([]handshakeClient{client}, time.Second); err == nil {
		t.Errorf("got %+v", s)
	}
}

// TestRun measures for real, as short as can be, with profiles.
func TestRun(t *testing.T) {
	t.Parallel()
	needs(t, "plaintext", "h2")
	b := &bench{pairs: 1, seconds: 1, idle: 50, profiles: t.TempDir(), dir: t.TempDir()}
	if err := b.prepare(); err != nil {
		t.Fatal(err)
	}
	chosen, err := choose(scenarios(), []string{"plaintext", "h2"})
	if err != nil {
		t.Fatal(err)
	}
	results, err := b.measureAll(t.Context(), chosen)
	if err != nil || len(results) != len(chosen) {
		t.Fatalf("got %+v, %v", results, err)
	}
	for _, r := range results {
		if len(r.Measured) != 1 || len(r.Against) != 1 || r.Measured[0].P99 == 0 || r.Against[0].P50 == 0 || r.Errors() > 0 {
			t.Errorf("got %+v", r)
		}
	}
	for _, role := range []string{ours, bare} {
		out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", filepath.Join(b.profiles, role+".cpu.pprof")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "net/http") {
			t.Errorf("%s: %v\n%s", role, err, out)
		}
	}
}

// TestInterrupted has everything end with the context.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := b.measureAll(ctx, scenarios())
	if len(results) > 0 || err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %+v, %v", results, err)
	}
	both := started(t, b, scenario{})
	for _, load := range []loader{handshakes{}, idle{}} {
		if got, err := load.measure(ctx, b, both[ours], subject.Request{Scheme: "https", Path: "/"}, time.Minute); err == nil {
			t.Errorf("%T: got %+v", load, got)
		}
	}
}

// TestServerFails has the message of a server that cannot start be that of the server.
func TestServerFails(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	missing := filepath.Join(b.dir, "missing", "cpu.pprof")
	s, err := b.start(t.Context(), ours, missing)
	if err == nil {
		t.Fatal(errors.Join(errors.New("it started"), s.stop()))
	}
	if !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v", err)
	}
}

// TestCertificate has another certificate than the bench's be found.
func TestCertificate(t *testing.T) {
	t.Parallel()
	b := prepared(t)
	other, err := subject.MakeCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	both := started(t, b, scenario{})
	address := strings.TrimPrefix(both[ours].said.URL("https"), "https://")
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: b.trust.Roots()}}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if !b.trust.Is(shown) || other.Is(shown) {
		t.Error("certificates are not told apart")
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	got, err := choose(scenarios(), []string{"idle", "json"})
	if err != nil || len(got) != 2 || got[0].name != "json" || got[1].name != "idle" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := choose(scenarios(), []string{"json", "jason"}); err == nil || !strings.Contains(err.Error(), `"jason"`) {
		t.Errorf("got %v", err)
	}
}

func TestFindTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := findTools(scenarios())
	if err == nil || !strings.Contains(err.Error(), "package wrk") {
		t.Errorf("got %v", err)
	}
	if err := findTools([]scenario{{load: idle{}}, {load: handshakes{}}}); err != nil {
		t.Error(err)
	}
}

func TestIsSettings(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"\x00\x00\x06\x04\x00\x00\x00\x00\x00": true,
		"\x00\x00\x06\x04\x01\x00\x00\x00\x00": false, // an acknowledgement
		"\x00\x00\x08\x07\x00\x00\x00\x00\x00": false, // GOAWAY
		"HTTP/1.1 ":                            false,
		"":                                     false,
	} {
		if got := isSettings([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}
