package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// TestS9: main returns 12 early. It is tried twice, and said at once how it ended.
func TestS9_LogsUnexpectedExit(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_EXIT=12", "BEHIND_STDERR=no database").open(nil)
	err := w.fails()
	if len(err.Attempts) != 2 || !err.Ended || err.ExitCode != 12 || err.Signal != "" || err.TimedOut {
		t.Errorf("%+v", err)
	}
	a, b := err.Attempts[0], err.Attempts[1]
	if a.Stage != StageReady || a.PID == 0 || a.PID == b.PID || a.Port == 0 || a.Port == b.Port || a.Path != behind(t) {
		t.Errorf("%+v and %+v", a, b)
	}
	if !strings.Contains(err.Error(), "behind did not start: it ended with exit code 12 after ") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(w.story.String(), "exit code 12") {
		t.Errorf("the story does not tell:\n%s", &w.story)
	}
	if e := w.expect(event.StartFailed, 1); len(e.Reasons) != 2 || e.Text != "no database\n" {
		t.Errorf("%+v", e)
	}
}

// TestL9: what was written before it failed is kept.
func TestL9_CaptureLogsWhenProcessFailsToStart(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_EXIT=1", "BEHIND_STDOUT=line1\nπ ≠ 3·14").open(func(o *Options) { o.Attempts = 1 })
	err := w.fails()
	if err.Output != "line1\nπ ≠ 3·14\n" || strings.Join(err.LastLines, "|") != "line1|π ≠ 3·14" {
		t.Errorf("%q, %q", err.Output, err.LastLines)
	}
	if got := w.out.String(); got != "line1\nπ ≠ 3·14\n" {
		t.Errorf("shown: %q", got)
	}
	if !strings.Contains(w.story.String(), "line1") {
		t.Error("the story does not have the output")
	}
}

// TestS29_L10: much output before it fails does not hang, is shown whole, and 30,000 characters of it are kept.
func TestS29_L10_LargeWrites(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"STDOUT", "STDERR"} {
		w := prepared(t, "BEHIND_EXIT=1", "BEHIND_"+stream+"_SIZE=200000").open(func(o *Options) { o.Attempts = 1 })
		err := w.fails()
		if n := utf8.RuneCountInString(err.Output); n != MaxOutput {
			t.Errorf("%s: %d characters kept", stream, n)
		}
		if len(err.LastLines) != MaxLines {
			t.Errorf("%s: %d lines", stream, len(err.LastLines))
		}
		if n := len(w.out.String() + w.err.String()); n != 200000 {
			t.Errorf("%s: %d bytes shown", stream, n)
		}
	}
}

// TestL11: enableOutOfProcessConsoleRedirection=false.
func TestL11_DisableRedirectionNoLogs(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_EXIT=1", "BEHIND_STDOUT=text", "BEHIND_STDERR=text").open(func(o *Options) {
		o.NoOutput = true
		o.Log = StdoutLog{Enabled: true, File: filepath.Join(t.TempDir(), "stdout")}
	})
	if err := w.fails(); err.Output != "" || err.LastLines != nil || w.out.String()+w.err.String() != "" {
		t.Errorf("%q, %q; shown %q", err.Output, err.LastLines, w.out.String()+w.err.String())
	}
}

// TestS11: the app hangs. Its time is not given twice.
func TestS11_StartupTimeoutIsApplied(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_HANG=1").open(func(o *Options) { o.StartupTimeLimit = 100 * time.Millisecond })
	err := w.fails()
	if len(err.Attempts) != 1 || !err.TimedOut || err.Ended {
		t.Errorf("%+v", err)
	}
	if !strings.Contains(err.Error(), "it was not ready after 100ms: it does not listen on 127.0.0.1:") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(err.Hint(), "PORT") || !strings.Contains(err.Hint(), "startupTimeLimit") {
		t.Errorf("hint %q", err.Hint())
	}
	if exited := w.expect(event.ProcessExited, 1); exited.PID != err.Attempts[0].PID {
		t.Errorf("%+v", exited)
	}
}

// 0 is no time at all (reference: servers.md, 1.1), and a debugger lifts the limit (1.5).
func TestNoTimeAndNoLimits(t *testing.T) {
	t.Parallel()
	none := func(o *Options) { o.StartupTimeLimit, o.ShutdownTimeLimit = 0, 0 }
	if err := prepared(t, "BEHIND_START_DELAY=50ms").open(none).fails(); !err.TimedOut {
		t.Errorf("%v", err)
	}
	w := prepared(t, "BEHIND_START_DELAY=50ms").open(func(o *Options) { none(o); o.NoLimits = true })
	w.page("/")
}

func TestListensElsewhere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := l.Addr().String()
	l.Close()
	w := prepared(t, "BEHIND_LISTEN="+elsewhere).open(func(o *Options) { o.StartupTimeLimit = time.Second })
	failed := w.fails()
	wrong, ok := errors.AsType[*NotListeningError](failed)
	if !ok || len(wrong.Elsewhere) != 1 || !strings.Contains(failed.Error(), ", but on "+elsewhere) {
		t.Errorf("%v", failed)
	}
}

// Whatever address it listens on, if a connection to 127.0.0.1 arrives there.
func TestListensOnWildcard(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"0.0.0.0", "[::]"} {
		w := prepared(t)
		port := randomFree(t)
		w.options.Host = func(int) Hosting { return withDraws(port) }
		command := w.options.Command
		w.open(func(o *Options) {
			o.Command = func(ctx context.Context) (process.Spec, error) {
				spec, err := command(ctx)
				spec.Env = append([]string{fmt.Sprintf("BEHIND_LISTEN=%s:%d", host, port)}, spec.Env...)
				return spec, err
			}
		})
		if got := w.page("/"); got != "behind" {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// withDraws is a Hosting that draws these ports, and random ones after them.
func withDraws(ports ...uint16) *OutOfProcess {
	h := NewOutOfProcess(OutOfProcessOptions{})
	h.draw = func() uint16 {
		if len(ports) == 0 {
			return randomPort()
		}
		port := ports[0]
		ports = ports[1:]
		return port
	}
	return h
}

// randomFree is a port that nobody listens on.
func randomFree(t testing.TB) uint16 {
	t.Helper()
	port, err := NewOutOfProcess(OutOfProcessOptions{}).freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// stranger listens on the address.
func stranger(t testing.TB, addr netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

// A stranger who takes the port after it was chosen is not mistaken for the app; the second attempt has another port.
func TestStrangerOnPort(t *testing.T) {
	t.Parallel()
	hosting := NewOutOfProcess(OutOfProcessOptions{})
	var taken netip.AddrPort
	w := prepared(t).open(func(o *Options) {
		o.Host = func(int) Hosting { return hosting }
		o.Start = func(spec process.Spec) (*process.Tree, error) {
			if !taken.IsValid() {
				taken = hosting.Addr()
				stranger(t, taken)
				spec.Env = append([]string{"BEHIND_HANG=1"}, spec.Env...)
			}
			return process.Start(spec)
		}
	})
	if got := w.page("/"); got != "behind" {
		t.Errorf("got %q", got)
	}
	want := fmt.Sprintf("is listening on %v", taken)
	if story := w.story.String(); !strings.Contains(story, want) || !strings.Contains(story, "attemptsLeft=1") {
		t.Errorf("no %q in the story:\n%s", want, story)
	}
}

func TestDrawsUntilFree(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, free := l.Addr().(*net.TCPAddr).AddrPort().Port(), randomFree(t)
	h := withDraws(taken, taken, free)
	if err := h.Prepare(&process.Spec{}); err != nil || h.Addr().Port() != free {
		t.Errorf("%v, %v; want %d", h.Addr(), err, free)
	}
	_ = h.Close()
	var failed *NoPortError
	if err := withDraws(taken, taken, taken, taken, taken, taken, taken, taken, taken, taken).Prepare(&process.Spec{}); !errors.As(err, &failed) || len(failed.Tried) != draws {
		t.Errorf("got %v", err)
	}
}

// What cannot be started is not tried twice.
func TestNothingToStart(t *testing.T) {
	t.Parallel()
	broken := errors.New("it does not compile")
	for name, c := range map[string]struct {
		command func(context.Context) (process.Spec, error)
		stage   Stage
		want    error
	}{
		"no program": {func(context.Context) (process.Spec, error) {
			return process.Spec{Path: filepath.Join(os.TempDir(), "no-such-program")}, nil
		}, StageStart, fs.ErrNotExist},
		"no command": {func(context.Context) (process.Spec, error) { return process.Spec{}, broken }, StageCommand, broken},
	} {
		w := prepared(t).open(func(o *Options) { o.Command = c.command })
		err := w.fails()
		if len(err.Attempts) != 1 || err.Attempts[0].Stage != c.stage || !errors.Is(err, c.want) || err.Ended {
			t.Errorf("%s: %v, %+v", name, err, err.Attempts[0])
		}
	}
}

// A start that failed is tried again by the next request.
func TestNextRequestTriesAgain(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_EXIT=1", "BEHIND_EXIT_ONCE="+filepath.Join(t.TempDir(), "once")).open(func(o *Options) { o.Attempts = 1 })
	w.fails()
	w.page("/")
}

// TestL12: what the program writes first is shown at once, while it still starts.
func TestL12_FirstWriteReachesConsole(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_HANG=1", "BEHIND_STDOUT=first", "BEHIND_STDERR=and this").open(nil)
	got := make(chan error, 1)
	go func() {
		_, err := w.Get(t.Context())
		got <- err
	}()
	until(t, "the first lines are shown", func() bool { return w.out.String() == "first\n" && w.err.String() == "and this\n" })
	select {
	case err := <-got:
		t.Errorf("the start is over: %v", err)
	default:
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	<-got
}
