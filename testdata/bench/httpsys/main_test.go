package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if workshop != "" {
		os.RemoveAll(workshop)
	}
	os.Exit(code)
}

// workshop is the folder of the bench that the tests share.
var workshop string

// built is a bench that is ready to measure.
var built = sync.OnceValues(func() (*bench, error) {
	b := &bench{pairs: 1, seconds: 1, idle: 50}
	var err error
	if b.dir, err = os.MkdirTemp("", "gorun-test-"); err != nil {
		return nil, err
	}
	workshop = b.dir
	return b, b.prepare(context.Background())
})

// prepared gives a bench of the test's own, with a broker of its own. A test whose scenarios need a tool that is missing is
// skipped, but not under CI.
func prepared(t *testing.T, names ...string) *bench {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no broker on Windows, and no nginx")
	}
	shared, err := built()
	if err != nil {
		t.Fatal(err)
	}
	b := *shared
	if b.own, err = os.MkdirTemp(b.dir, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.stopBroker(); err != nil {
			t.Error(err)
		}
	})
	chosen, err := choose(names)
	if err == nil {
		err = b.findTools(t.Context(), chosen)
	}
	if err != nil && os.Getenv("GORUN_CI") == "1" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return &b
}

// started serves the apps in one way until the test ends, and they must end then.
func started(t *testing.T, b *bench, way string, apps apps) *site.Site {
	t.Helper()
	s, err := b.start(t.Context(), way, apps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestChoose(t *testing.T) {
	t.Parallel()
	got, err := choose([]string{"idle", "three"})
	if err != nil || len(got) != 2 || got[0].name != "three" || !got[0].nginx || got[1].name != "idle" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := choose([]string{"threes"}); err == nil || !strings.Contains(err.Error(), "keep-alive") {
		t.Errorf("got %v", err)
	}
}

// TestMissingTools has the package be named.
func TestMissingTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	chosen, err := choose([]string{"connection"})
	if err != nil {
		t.Fatal(err)
	}
	if err := new(bench).findTools(t.Context(), chosen); err == nil || !strings.Contains(err.Error(), "package wrk") {
		t.Errorf("got %v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, b := range []bench{{}, {pairs: 1, seconds: 1}, {seconds: 1, idle: 1}} {
		if err := b.run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "from 1 up") {
			t.Errorf("got %v", err)
		}
	}
	if err := (&bench{pairs: 1, seconds: 1, idle: 1}).run(t.Context(), []string{"none"}); err == nil {
		t.Error("a scenario that is none is accepted")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	var got struct {
		Profiles map[string]struct {
			CommandName, ExecutablePath string
			EnvironmentVariables        map[string]string
			Gorun                       struct{ Server string }
		}
	}
	if err := json.Unmarshal(byHostAndPath().settings(filepath.FromSlash("/bench/app"), 8080), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"blog": "http://localhost:8080/", "shop": "http://localhost:8080/shop/", "admin": "http://admin.localhost:8080/"}
	for name, p := range got.Profiles {
		if p.CommandName != "Executable" || p.ExecutablePath != filepath.FromSlash("/bench/app") || p.Gorun.Server != "httpsys" ||
			p.EnvironmentVariables["ASPNETCORE_URLS"] != want[name] || p.EnvironmentVariables["BENCH_PAGE"] == "" {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if len(got.Profiles) != len(want) {
		t.Errorf("got %d profiles", len(got.Profiles))
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		apps apps
		want string
	}{
		"one":              {single("https"), "https / "},
		"by host and path": {byHostAndPath(), "http /posts , http /shop/goods localhost, http /users admin.localhost"},
		"by path":          {byPath("https"), "https /posts , https /shop/goods localhost, https /admin/users localhost"},
	} {
		var got []string
		for _, r := range test.apps.requests() {
			got = append(got, r.Scheme+" "+r.Path+" "+r.Host)
			if r.Method != http.MethodGet {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "load.lua")
	for script, has := range map[string]string{eachItsOwnScript: "function setup", inTurnsScript: "function request"} {
		if err := writeScript(path, script, byHostAndPath()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), has) || !strings.Contains(string(text), `{host = "localhost", path = "/shop/goods"}`) {
			t.Errorf("%s: got %v\n%s", script, err, text)
		}
	}
	if err := writeScript(path, "none.lua", byHostAndPath()); err == nil {
		t.Error("a script that is none is written")
	}
}

// TestBrokerView has a broker without exactly one app be told apart.
func TestBrokerView(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"running":false}`, `{"running":true,"pid":1}`, `{"running":true,"queues":[{"workers":[]}]}`} {
		var view brokerView
		if err := json.Unmarshal([]byte(text), &view); err != nil {
			t.Fatal(err)
		}
		if got, err := view.groups(new(site.Site)); err == nil {
			t.Errorf("%s: got %+v", text, got)
		}
	}
	var view brokerView
	const two = `{"queues":[{"workers":[{"pid":1,"connections":2},{"connections":3}]},{"workers":[{"connections":4}]}]}`
	if err := json.Unmarshal([]byte(two), &view); err != nil || view.handedOver() != 9 {
		t.Errorf("got %+v, %v", view, err)
	}
}

// TestFilesAreRemoved has nothing be left of a bench that cannot go on.
func TestFilesAreRemoved(t *testing.T) {
	prepared(t, "idle")
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&bench{pairs: 1, seconds: 1, idle: 1}).run(ctx, []string{"idle"}); err == nil {
		t.Error("it has measured after its end")
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
