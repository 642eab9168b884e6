package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// The test binary plays the parts of the programs, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], "as:"); ok {
			syscall.Exit(play(role, os.Args[2:]))
		}
	}
	code := m.Run()
	if left := goroutinesLeft(); code == 0 && left != "" {
		fmt.Printf("FAIL: goroutines are left after all tests:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutinesLeft gives the stacks of those that packages host and process have started and that do not end.
func goroutinesLeft() string {
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left = nil
		buf := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "gorun/internal/") && !strings.Contains(stack, "host.TestMain") {
				left = append(left, stack)
			}
		}
		if left == nil {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// play is a program. Those that listen take addresses such as tcp:127.0.0.1:5000 and unix:/path; they hear signals
// before they listen, so that a test that saw them listening may send some.
func play(role string, args []string) int {
	signals := make(chan os.Signal, 16)
	hear := func() {
		for _, sig := range stopSignals {
			signal.Notify(signals, sig)
		}
	}
	switch role {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		return code
	case "broker", "mute broker", "shared":
		return share(role)
	case "touch":
		_ = os.WriteFile(args[0], nil, 0o600)
		return 0
	case "stubborn", "stubborn steps":
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	case "parent": // its child does the listening
		_, err := os.StartProcess(os.Args[0], append([]string{os.Args[0], "as:listen"}, args...),
			&os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 99
		}
		args = nil
		hear()
	default:
		hear()
	}
	lines := bufio.NewScanner(os.Stdin)
	var last io.Closer
	for i, arg := range args {
		if strings.HasSuffix(role, "steps") && i > 0 { // one more for each line
			lines.Scan()
		}
		if role == "again" && i > 0 { // one after the other
			lines.Scan()
			_ = last.Close()
		}
		network, address, _ := strings.Cut(arg, ":")
		l, err := net.Listen(network, address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 98
		}
		last = l
		fmt.Println(l.Addr())
	}
	if role == "again" {
		lines.Scan()
		return 0
	}
	sig, _ := (<-signals).(syscall.Signal)
	if role == "tell" {
		return 64 + int(sig)
	}
	return 0
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// as is the plan of the test binary in a role.
func as(t testing.TB, role string, args ...string) profiles.Plan {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plan := profiles.Plan{Command: launchsettings.CommandExecutable}
	plan.Program.Value = self
	plan.Args.Value = append([]string{"as:" + role}, args...)
	plan.Dir.Value = t.TempDir()
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		plan.Env = append(plan.Env, profiles.EnvVar{Name: name, Value: value})
	}
	return plan
}

// on is a plan with these addresses.
func on(t testing.TB, plan profiles.Plan, urls ...string) profiles.Plan {
	t.Helper()
	for _, url := range urls {
		e, err := endpoint.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		from := profiles.Origin{Kind: profiles.FromFlag, Name: "--urls"}
		plan.Endpoints = append(plan.Endpoints, profiles.Endpoint{Endpoint: e, URL: url, Origin: from})
	}
	return plan
}

// freePort is a port that nobody listens on, on either loopback address.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	l.Close()
}

// running is a call of Run.
type running struct {
	t       testing.TB
	host    *host
	signals chan os.Signal
	stdin   *os.File // what is written there, the program reads
	cancel  context.CancelFunc
	events  chan event.Event
	seen    []event.Event
	done    chan struct{}
	result  Result
	err     error
}

// begin calls Run. change may be nil.
func begin(t testing.TB, plan profiles.Plan, change func(*host)) *running {
	t.Helper()
	stdin, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, signals: make(chan os.Signal, 16), stdin: write, events: make(chan event.Event, 100), done: make(chan struct{})}
	r.host = newHost(plan, Options{
		Signals: r.signals, Stdin: stdin, Stderr: os.Stderr, Emit: func(e event.Event) { r.events <- e },
	})
	if change != nil {
		change(r.host)
	}
	ctx, cancel := context.WithCancel(context.Background()) // that of the test ends before its cleanup
	r.cancel = cancel
	go func() {
		defer close(r.done)
		r.result, r.err = r.host.run(ctx)
	}()
	t.Cleanup(func() {
		cancel() // gives a program of a failed test some seconds
		<-r.done
		stdin.Close()
		write.Close()
	})
	return r
}

// next waits for an event of a kind, and passes over others.
func (r *running) next(kind event.Kind) event.Event {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-r.events:
			r.seen = append(r.seen, e)
			if e.Kind == kind {
				return e
			}
		case <-deadline:
			r.t.Fatalf("no event %q after %v", kind, r.seen)
		}
	}
}

// end waits until Run has returned, and collects the rest of the events.
func (r *running) end() (Result, error) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatalf("Run does not return; events %v", r.seen)
	}
	for len(r.events) > 0 {
		r.seen = append(r.seen, <-r.events)
	}
	return r.result, r.err
}

// ended is end of a program that was started and ended with this exit code.
func (r *running) ended(code int) Result {
	r.t.Helper()
	result, err := r.end()
	if err != nil {
		r.t.Fatal(err)
	}
	if got := result.Status.ExitCode(); got != code {
		r.t.Errorf("exit code %d, want %d; events %v", got, code, r.kinds())
	}
	return result
}

func (r *running) kinds() []event.Kind {
	var kinds []event.Kind
	for _, e := range r.seen {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// count is how many events of a kind there were.
func (r *running) count(kind event.Kind) int {
	n := 0
	for _, k := range r.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}
