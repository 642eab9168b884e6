package backend

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
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
	build := exec.Command("go", "build", "-o", path, "../../../testdata/apps/behind")
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

// goroutinesLeft gives the stacks of those that this package and package process have started and that do not end.
func goroutinesLeft() string {
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left = nil
		buf := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if (strings.Contains(stack, "module/backend") || strings.Contains(stack, "internal/process")) && !strings.Contains(stack, "backend.TestMain") {
				left = append(left, stack)
			}
		}
		if left == nil {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// missing skips a test for want of something, which is a failure where everything is said to be installed.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GORUN_CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// behind is the path of the app.
func behind(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// world is a pool and what can be seen of it.
type world struct {
	*Pool
	t        testing.TB
	options  Options
	out, err buffer // of the programs
	story    buffer // of the logger

	mu     sync.Mutex
	events []event.Event
	news   chan struct{} // gets something with each event
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

// prepared is a world without a pool: out-of-process, the app with these variables.
func prepared(t testing.TB, env ...string) *world {
	t.Helper()
	path := behind(t)
	w := &world{t: t, news: make(chan struct{}, 1)}
	w.options = Options{
		Name: "behind",
		Command: func(context.Context) (process.Spec, error) {
			return process.Spec{Path: path, Env: slices.Concat(env, []string{"GORUN_SERVER=module"}, os.Environ()), Dir: t.TempDir()}, nil
		},
		Host: func(int) Hosting {
			return NewOutOfProcess(OutOfProcessOptions{Anonymous: true, WebSockets: true})
		},
		Attempts: 2, StartupTimeLimit: patience, ShutdownTimeLimit: 10 * time.Second, RapidFailsPerMinute: 10,
		Stdout: &w.out, Stderr: &w.err, Emit: w.hear,
		Logger: slog.New(slog.NewTextHandler(&w.story, nil)),
	}
	return w
}

// open makes the pool, which is stopped in the end. change may be nil.
func (w *world) open(change func(*Options)) *world {
	w.t.Helper()
	if change != nil {
		change(&w.options)
	}
	w.Pool = New(w.options)
	w.t.Cleanup(func() {
		if err := w.stop(); err != nil {
			w.t.Errorf("Stop: %v", err)
		}
		if w.t.Failed() {
			w.t.Logf("stdout:\n%s\nstderr:\n%s\nstory:\n%s", &w.out, &w.err, &w.story)
		}
	})
	return w
}

func (w *world) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.Stop(ctx)
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

// all are the events of a kind so far.
func (w *world) all(kind event.Kind) []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events), func(e event.Event) bool { return e.Kind != kind })
}

// expect waits for the nth event of a kind.
func (w *world) expect(kind event.Kind, n int) event.Event {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		if all := w.all(kind); len(all) >= n {
			return all[n-1]
		}
		select {
		case <-w.news:
		case <-deadline:
			w.t.Fatalf("no event %q number %d; there were %+v", kind, n, w.events)
		}
	}
}

// get is Get, which must not fail.
func (w *world) get() *Process {
	w.t.Helper()
	p, err := w.Get(w.t.Context())
	if err != nil {
		w.t.Fatalf("Get: %v", err)
	}
	return p
}

// fails is Get, which must fail with a *StartError.
func (w *world) fails() *StartError {
	w.t.Helper()
	p, err := w.Get(w.t.Context())
	if err == nil {
		p.Release()
		w.t.Fatal("it started")
	}
	failed, ok := err.(*StartError)
	if !ok {
		w.t.Fatalf("got %T: %v", err, err)
	}
	return failed
}

// browse gets a path of a process, as the front does.
func browse(p *Process, path string) (string, error) {
	return send(p, http.MethodGet, path, nil)
}

func send(p *Process, method, path string, body io.Reader) (string, error) {
	h := p.Hosting().(*OutOfProcess)
	r, err := http.NewRequest(method, "http://"+h.Addr().String()+path, body)
	if err != nil {
		return "", err
	}
	r.Header.Set("MS-ASPNETCORE-TOKEN", h.Token())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return string(text), err
}

// page gets a path with a process of the pool.
func (w *world) page(path string) string {
	w.t.Helper()
	p := w.get()
	defer p.Release()
	text, err := browse(p, path)
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return text
}

// closes waits until a channel is closed.
func closes(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("timed out: %s", what)
	}
}

// until polls for a condition that has no event of its own.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

func portText(port uint16) string { return fmt.Sprint(port) }
