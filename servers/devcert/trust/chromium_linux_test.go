package trust

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/devcert"
)

// page is what a browser shows of a page.
func page(t *testing.T, d desk, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, needs(t, "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
		"--user-data-dir="+t.TempDir(), "--dump-dom", url)
	cmd.Env = append(os.Environ(), "HOME="+d.home, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var story bytes.Buffer
	cmd.Stderr = &story
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", url, err, story.String())
	}
	return string(out)
}

// A real Chromium with a new profile shows an error page before, and the page after.
func TestChromium(t *testing.T) {
	needs(t, "chromium")
	needs(t, "certutil")
	for _, place := range []string{"", ".local/share/pki/nssdb"} { // the first: no database at all
		t.Run("database "+place, func(t *testing.T) {
			d := newDesk(t)
			if place != "" {
				d.database(t, place)
			}
			cert, info, err := devcert.Ensure(devcert.Options{Getenv: d.getenv, Names: []string{"api.localhost"}})
			must(t, err)
			port := serveTLS(t, cert)
			localhost := fmt.Sprintf("https://localhost:%s/", port)
			if place == "" {
				if got := page(t, d, localhost); strings.Contains(got, "it works") {
					t.Errorf("it is trusted before:\n%s", got)
				}
				must(t, os.RemoveAll(d.home+"/.local")) // Chromium's own, so that there is none when trust is added
			}
			want(t, Add(t.Context(), info.Anchor, d.options("chromium")), 1, Added)
			urls := []string{localhost}
			if place == "" {
				urls = append(urls, fmt.Sprintf("https://127.0.0.1:%s/", port), fmt.Sprintf("https://shop.dev.localhost:%s/", port), fmt.Sprintf("https://api.localhost:%s/", port))
			}
			for _, url := range urls {
				if got := page(t, d, url); !strings.Contains(got, "it works by HTTP/2.0") {
					t.Errorf("%s shows\n%s", url, got)
				}
			}
		})
	}
}

// serveTLS serves a page as an app does, with the certificate for this machine. It stops with the test.
func serveTLS(t *testing.T, cert tls.Certificate) (port string) {
	t.Helper()
	app := servers.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<p>it works by ", r.Proto, "</p>") }),
		servers.WithURLs("https://127.0.0.1:0"), servers.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}}),
		servers.WithOutput(nil), servers.WithSignals())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	select {
	case <-app.Listening():
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return app.Addresses()[0][len("https://127.0.0.1:"):]
}
