package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// These tests run the real gorun with the module's front, from a launchSettings.json to the end of all its processes.

// frontPatience is how long a test of a front waits for what must happen.
const frontPatience = 60 * time.Second

// sampleApps are those that were built, by their names.
var sampleApps = struct {
	sync.Mutex
	paths map[string]string
}{paths: map[string]string{}}

// sampleApp is the path of an app of testdata, built once.
func sampleApp(t testing.TB, name string) string {
	t.Helper()
	gorun := gorunBinary(t)
	sampleApps.Lock()
	defer sampleApps.Unlock()
	if path := sampleApps.paths[name]; path != "" {
		return path
	}
	path := filepath.Join(filepath.Dir(gorun), name)
	out, err := exec.Command("go", "build", "-o", path, "../../testdata/apps/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sampleApps.paths[name] = path
	return path
}

// site is a project folder of a test with a cache of its own.
type site struct {
	t    testing.TB
	root string // what is beside the project
	dir  string
	env  []string
}

// newSite writes a project. settings is its launchSettings.json.
func newSite(t testing.TB, settings string, files map[string]string) *site {
	t.Helper()
	root := t.TempDir()
	s := &site{t: t, root: root, dir: filepath.Join(root, "src")}
	s.env = append(os.Environ(), "GORUN_CACHE="+filepath.Join(root, "cache"), "GORUN_RUN_DIR="+filepath.Join(root, "run"),
		"TMPDIR="+root, "GOFLAGS=", "GOENV=off", "NO_COLOR=1", "CI=", "WITNESS_LOG="+filepath.Join(root, "witness.log"))
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("Properties/launchSettings.json", settings)
	for name, text := range files {
		s.write(name, text)
	}
	return s
}

// express is a launchSettings.json with one IISExpress profile, called x. module has more members of gorun.module, profile more
// of the profile.
func express(hosting, module, profile string) string {
	return fmt.Sprintf(`{
  "iisSettings": { "iisExpress": { "applicationUrl": "http://127.0.0.1:0", "sslPort": 0 } },
  "profiles": {
    "x": {
      "commandName": "IISExpress", "ancmHostingModel": %q,
      "gorun": { "module": { %s } }%s
    }
  }
}`, hosting, module, profile)
}

// witnessSite has testdata/apps/witness behind the front.
func witnessSite(t testing.TB, hosting, module string) *site {
	t.Helper()
	return newSite(t, express(hosting, fmt.Sprintf(`"processPath": %q, %s`, sampleApp(t, "witness"), module), ""), nil)
}

func (s *site) write(name, text string) {
	s.t.Helper()
	writeFiles(s.t, s.dir, map[string][]byte{name: []byte(text)})
}

// fronted is a gorun that runs with a front.
type fronted struct {
	*site
	cmd            *exec.Cmd
	stdout, stderr syncBuffer
	log            string // the file of its events
	ended          chan struct{}
	url            string // the first that it listens on
	client         *http.Client
}

// start runs profile x, and waits until its front listens.
func (s *site) start(args ...string) *fronted {
	s.t.Helper()
	return s.listens(exec.Command(gorunBinary(s.t), append(s.arguments(), args...)...))
}

func (s *site) arguments() []string {
	return []string{"--launch-profile", "x", "--events", filepath.Join(s.root, "events"), "--no-browser"}
}

// listens starts a command that runs gorun, and waits until its front listens.
func (s *site) listens(cmd *exec.Cmd) *fronted {
	s.t.Helper()
	f := s.begin(cmd)
	f.url = f.await(event.EndpointReady, 1).URL
	return f
}

// begin starts a command that runs gorun.
func (s *site) begin(cmd *exec.Cmd) *fronted {
	s.t.Helper()
	f := &fronted{site: s, cmd: cmd, log: filepath.Join(s.root, "events"), ended: make(chan struct{})}
	f.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: frontPatience}
	if err := os.WriteFile(f.log, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &f.stdout, &f.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal, whatever the test runs on
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { defer close(f.ended); _ = cmd.Wait() }()
	s.t.Cleanup(f.end)
	return f
}

// end ends gorun, if it runs still, and sees that nothing is left.
func (f *fronted) end() {
	f.t.Helper()
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.ended:
	case <-time.After(frontPatience):
		f.t.Error("gorun does not end")
		_ = f.cmd.Process.Kill()
		<-f.ended
	}
	f.client.CloseIdleConnections()
	f.nothingIsLeft()
	if f.t.Failed() {
		f.t.Logf("stdout:\n%s\nstderr:\n%s", f.stdout.String(), f.stderr.String())
	}
}

// nothingIsLeft waits until no process of the app lives.
func (f *fronted) nothingIsLeft() {
	f.t.Helper()
	for _, e := range f.all(event.ProcessStarted) {
		f.within("the app to be gone", func() bool { return !alive(fmt.Sprint(e.PID)) })
	}
}

func (f *fronted) within(what string, done func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(frontPatience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("waited in vain for %s\nstderr:\n%s", what, f.stderr.String())
		}
	}
}

// all gives the events of a kind so far.
func (f *fronted) all(kind event.Kind) (list []event.Event) {
	data, err := os.ReadFile(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var e event.Event
		if err := json.Unmarshal(line, &e); err == nil && e.Kind == kind { // the last line may not be whole yet
			list = append(list, e)
		}
	}
	return list
}

// await waits for the n-th event of a kind.
func (f *fronted) await(kind event.Kind, n int) event.Event {
	f.t.Helper()
	var list []event.Event
	f.within(fmt.Sprintf("event %s (%d)", kind, n), func() bool {
		list = f.all(kind)
		return len(list) >= n || f.isOver()
	})
	if len(list) < n {
		f.t.Fatalf("no event %s (%d), and gorun has ended\nstderr:\n%s", kind, n, f.stderr.String())
	}
	return list[n-1]
}

func (f *fronted) isOver() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// says waits until gorun has said something on stderr.
func (f *fronted) says(text string) {
	f.t.Helper()
	f.within(fmt.Sprintf("%q", text), func() bool { return strings.Contains(f.stderr.String(), text) })
}

// get asks the front. An error is one of the connection.
func (f *fronted) get(path string) (status int, body string, err error) {
	resp, err := f.client.Get(f.url + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// ok asks for a page that is answered with 200.
func (f *fronted) ok(path string) string {
	f.t.Helper()
	status, body, err := f.get(path)
	if err != nil || status != http.StatusOK {
		f.t.Fatalf("GET %s: %d %s %v\nstderr:\n%s", path, status, body, err, f.stderr.String())
	}
	return body
}

// dial connects to the front.
func (f *fronted) dial() net.Conn {
	f.t.Helper()
	u, err := url.Parse(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(frontPatience))
	return conn
}

// signal sends gorun a signal.
func (f *fronted) signal(sig syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		f.t.Fatal(err)
	}
}

// exits waits for the end of gorun and looks at its status.
func (f *fronted) exits(want int) {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(frontPatience):
		f.t.Fatalf("gorun does not end\nstderr:\n%s", f.stderr.String())
	}
	if got := f.cmd.ProcessState.ExitCode(); got != want {
		f.t.Errorf("exit status %d, want %d\nstderr:\n%s", got, want, f.stderr.String())
	}
}

// memory reads a number of kB of the status of gorun's process.
func (f *fronted) memory(name string) int {
	f.t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kB int
		if _, err := fmt.Sscanf(lines.Text(), name+": %d kB", &kB); err == nil {
			return kB
		}
	}
	f.t.Fatalf("no %s", name)
	return 0
}

// large is whether the tests of size are to be large.
func large() bool { return os.Getenv("GORUN_CI") != "" }
