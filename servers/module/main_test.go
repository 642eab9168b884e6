package module

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// workshop is a folder that the tests share: it holds the app.
var workshop string

// built is testdata/apps/behind, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gorun-test-")
	if err != nil {
		return "", err
	}
	workshop = dir
	path := filepath.Join(dir, "behind.exe") // a name that any system runs
	build := exec.Command("go", "build", "-o", path, "../../testdata/apps/behind")
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if left := goroutinesLeft(); code == 0 && left != "" {
		fmt.Printf("FAIL: goroutines are left after all tests:\n%s\n", left)
		code = 1
	}
	if workshop != "" {
		os.RemoveAll(workshop)
	}
	os.Exit(code)
}

// goroutinesLeft gives the stacks of those that fronts have started and that do not end.
func goroutinesLeft() string {
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left = nil
		buf := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if (strings.Contains(stack, "gorun/servers") || strings.Contains(stack, "internal/process")) && !strings.Contains(stack, "module.TestMain") {
				left = append(left, stack)
			}
		}
		if left == nil {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// world is a front and what can be seen of it.
type world struct {
	*Front
	t       testing.TB
	options Options
	client  *http.Client
	out     buffer // of the programs
	stop    context.CancelFunc
	ended   chan error

	mu     sync.Mutex
	events []event.Event
	news   chan struct{} // gets something with each event
}

// both runs a test with each hosting model that this system has.
func both(t *testing.T, test func(t *testing.T, hosting Hosting)) {
	t.Helper()
	for _, hosting := range []Hosting{OutOfProcess, InProcess} {
		if hosting == InProcess && runtime.GOOS == "windows" {
			continue
		}
		t.Run(string(hosting), func(t *testing.T) {
			t.Parallel()
			test(t, hosting)
		})
	}
}

// start runs a front for testdata/apps/behind, with env for it, until the test ends. change may be nil.
func start(t testing.TB, hosting Hosting, change func(o *Options), env ...string) *world {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, news: make(chan struct{}, 1), ended: make(chan error, 1)}
	w.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: patience}
	e, err := endpoint.Parse("http://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	w.options = Options{
		Name: "behind", Root: root, Environ: os.Environ(), Emit: w.hear,
		Endpoints: []servers.Endpoint{{Endpoint: e}},
		App:       App{Hosting: hosting, Path: "/", Detailed: true},
	}
	b := &w.options.App.Backend
	b.Command = func(context.Context) (process.Spec, error) {
		return process.Spec{Path: path, Dir: root, Env: append(os.Environ(), env...)}, nil
	}
	b.StartupTimeLimit, b.ShutdownTimeLimit, b.RapidFailsPerMinute = patience, patience, 100
	b.Stdout, b.Stderr = &w.out, &w.out
	if change != nil {
		change(&w.options)
	}
	w.Front = New(w.options)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() { w.ended <- w.Run(ctx) }()
	t.Cleanup(w.close)
	select {
	case <-w.Open():
	case err := <-w.ended:
		w.ended <- err
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the front does not listen")
	}
	return w
}

// close stops the front and waits for its end.
func (w *world) close() {
	w.stop()
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("the front ended with: %v", err)
		}
		w.ended <- nil // it may be asked again
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		w.t.Errorf("the front does not stop\n%s", buf[:runtime.Stack(buf, true)])
	}
	w.client.CloseIdleConnections()
	if w.t.Failed() {
		w.t.Logf("events: %s\noutput: %s", w.story(), w.out.String())
	}
}

func (w *world) hear(e event.Event) {
	w.mu.Lock()
	w.events = append(w.events, e)
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// story is the events, one on a line.
func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, e := range w.events {
		fmt.Fprintf(&b, "\n%s %d %s %s %q", e.Kind, e.PID, e.URL, e.Signal, e.Reasons)
		for _, d := range e.Diagnostics {
			fmt.Fprintf(&b, " %s", d)
		}
	}
	return b.String()
}

// await waits for the n-th event of a kind.
func (w *world) await(kind event.Kind, n int) event.Event {
	w.t.Helper()
	limit := time.After(patience)
	for {
		w.mu.Lock()
		left := n
		i := slices.IndexFunc(w.events, func(e event.Event) bool {
			if e.Kind == kind {
				left--
			}
			return left == 0
		})
		var found event.Event
		if i >= 0 {
			found = w.events[i]
		}
		w.mu.Unlock()
		if i >= 0 {
			return found
		}
		select {
		case <-w.news:
		case <-limit:
			w.t.Fatalf("no event %s (%d)", kind, n)
		}
	}
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks the front.
func (w *world) get(path string) answer {
	w.t.Helper()
	a, err := w.try(path)
	if err != nil {
		w.t.Fatalf("GET %s: %v", path, err)
	}
	return a
}

// ask is get with one more field.
func (w *world) ask(path, field, value string) answer {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.URLs()[0]+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set(field, value)
	a, err := w.do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// ok asks the front for a page that the app answers with 200.
func (w *world) ok(path string) string {
	w.t.Helper()
	a := w.get(path)
	if a.status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	return a.body
}

func (w *world) try(path string) (answer, error) {
	r, err := http.NewRequest(http.MethodGet, w.URLs()[0]+path, nil)
	if err != nil {
		return answer{}, err
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) (answer, error) {
	resp, err := w.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// pid is the process id of the app that answers.
func (w *world) pid() int {
	w.t.Helper()
	pid, err := strconv.Atoi(w.ok("/pid"))
	if err != nil {
		w.t.Fatal(err)
	}
	return pid
}

// address is the front's, without the scheme.
func (w *world) address() string {
	u, err := url.Parse(w.URLs()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Host
}

// write writes a file in the application's folder.
func (w *world) write(name, text string) {
	w.t.Helper()
	writeIn(w.t, w.options.Root, name, text)
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.options.Root, name)); err != nil {
		w.t.Fatal(err)
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func writeIn(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func makeFolder(t testing.TB, dir, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
}
