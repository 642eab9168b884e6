package page

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// needs gives the path of a tool. Under GORUN_CI one that is missing is a failure.
func needs(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed: apt-get install %s", name, name)
	}
	return path
}

// chromium is a browser that shows url. It is asked to end when ctx is done.
func chromium(ctx context.Context, t *testing.T, url string, flags ...string) (cmd *exec.Cmd, story *bytes.Buffer) {
	t.Helper()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--no-proxy-server", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}
	cmd = exec.CommandContext(ctx, needs(t, "chromium"), append(append(args, flags...), url)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	story = new(bytes.Buffer)
	cmd.Stderr = story
	t.Cleanup(func() {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of it; mostly nothing
		}
	})
	return cmd, story
}

// front answers as the contract of ProbeHeader says: with a failure, until its program is there.
type front struct {
	failure Failure
	there   atomic.Bool
	starts  atomic.Int32 // how often the program would have been started
	probes  chan struct{}
	back    chan struct{} // closed when the program was asked
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/favicon.ico":
		http.NotFound(w, r)
	case r.URL.Path == "/narrow":
		http.ServeContent(w, r, "narrow.html", time.Time{}, strings.NewReader(narrow))
	case IsProbe(r):
		ServeProbe(w, f.there.Load())
		f.probes <- struct{}{}
	case f.there.Load():
		w.Write([]byte("the program is back"))
		close(f.back)
	default:
		f.starts.Add(1)
		f.failure.ServeHTTP(w, r)
	}
}

// narrow looks at the page in a frame as wide as a small phone.
const narrow = `<!DOCTYPE html><iframe id="f" src="/page" width="320" height="600"></iframe><p id="seen"></p><script>
document.getElementById("f").onload = (e) => {
  const d = e.target.contentDocument, style = e.target.contentWindow.getComputedStyle(d.querySelector("pre"));
  document.getElementById("seen").textContent = "title=" + d.title + "; fits=" + (d.documentElement.scrollWidth <= d.documentElement.clientWidth) + "; wrap=" + style.whiteSpace +
    "; note=" + d.getElementById("reload").textContent;
};
</script>`

func newFront(t *testing.T) (f *front, url string) {
	f = &front{failure: samples["502.5-out-of-process-start"], probes: make(chan struct{}, 1000), back: make(chan struct{})}
	f.failure.Output += strings.Repeat("a-long-word", 100) + "\n"
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL
}

// A real browser shows the page, with its style and its script, and nothing of it is wider than a phone.
func TestChromiumShows(t *testing.T) {
	t.Parallel()
	_, url := newFront(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd, story := chromium(ctx, t, url+"/narrow", "--dump-dom")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	want := "title=502.5 The program api did not start listening; fits=true; wrap=pre-wrap; note=This page reloads by itself when the program is there."
	if !strings.Contains(string(out), want) {
		t.Errorf("the browser does not see %q:\n%s", want, out)
	}
	if strings.Contains(story.String(), "Content Security Policy") {
		t.Errorf("the page breaks its own policy:\n%s", story)
	}
}

// A page that is shown asks without having the program started, and reloads when it is there.
func TestChromiumReloads(t *testing.T) {
	t.Parallel()
	f, url := newFront(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd, story := chromium(ctx, t, url+"/page", "--remote-debugging-port=0") // which keeps it open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // its status is of no interest: it is asked to end
		close(ended)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for range 3 {
		select {
		case <-f.probes:
		case <-ended:
			t.Fatalf("the browser has ended, with %d requests\n%s", f.starts.Load(), story)
		}
	}
	if n := f.starts.Load(); n != 1 {
		t.Errorf("the program was started %d times, want once, when the page was asked for", n)
	}
	f.there.Store(true)
	select {
	case <-f.back:
	case <-ended:
		t.Fatalf("the browser has ended and not reloaded\n%s", story)
	}
	if n := f.starts.Load(); n != 1 {
		t.Errorf("the program was started %d times, want once", n)
	}
}
