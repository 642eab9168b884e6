//go:build linux || darwin

package handover

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

var _ backend.Hosting = (*InProcess)(nil)

// patience is how long a test waits for what takes milliseconds.
const patience = 30 * time.Second

// open gives sockets as a front opens them: one of TCP's, and one more, a unix one.
func open(t *testing.T) (s *Sockets, tcp, unixPath string) {
	t.Helper()
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "ho") // short enough for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	unixPath = filepath.Join(dir, "app.sock")
	second, err := net.Listen("unix", unixPath)
	if err != nil {
		t.Fatal(err)
	}
	tcp = first.Addr().String()
	if s, err = New([]Socket{{first, "http"}, {second, "https"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(unixPath); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file of the unix socket: %v", err)
		}
	})
	return s, tcp, unixPath
}

// client is a connection with a request on it, whether somebody accepts or not.
type client struct {
	net.Conn
	t *testing.T
}

func ask(t *testing.T, network, addr string) client {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: app\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return client{conn, t}
}

func (c client) answer() (status int, body string, err error) {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (c client) want(status int, body string) {
	c.t.Helper()
	if got, text, err := c.answer(); err != nil || got != status || !strings.HasPrefix(text, body) {
		c.t.Errorf("got %d %q, %v, want %d %q", got, text, err, status, body)
	}
}

// run starts a program with the sockets.
func run(t *testing.T, s *Sockets, spec process.Spec) (*InProcess, *process.Tree) {
	t.Helper()
	h := s.Hosting()
	spec.Stderr = os.Stderr
	if spec.Env == nil {
		spec.Env = os.Environ()
	}
	if err := h.Prepare(&spec); err != nil {
		t.Fatal(err)
	}
	tree, err := process.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tree.Kill()
		_, _ = tree.Wait()
		_ = h.Close()
	})
	return h, tree
}

// as is the test binary in a role.
func as(t *testing.T, role string) process.Spec {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return process.Spec{Path: path, Args: []string{"as:" + role}}
}

// web is testdata/apps/web, which is served by servers.Run.
func web(t *testing.T, tcp, unixPath string) process.Spec {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "web")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../../testdata/apps/web").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return process.Spec{Path: binary, Env: append(os.Environ(), "GORUN_SERVER=module", "ASPNETCORE_APPL_PATH=/",
		"ASPNETCORE_PORT=1", "ASPNETCORE_URLS=http://"+tcp+";http://unix:"+unixPath)}
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func wantReady(t *testing.T, h *InProcess, tree *process.Tree) {
	t.Helper()
	if err := h.Ready(limited(t), tree); err != nil {
		t.Fatalf("not ready: %v", err)
	}
}

func wantWaiting(t *testing.T, s *Sockets) {
	t.Helper()
	if err := s.Wait(limited(t)); err != nil {
		t.Fatalf("nobody waits: %v", err)
	}
}

func stop(t *testing.T, h *InProcess, tree *process.Tree) process.Status {
	t.Helper()
	if err := h.Ask(t.Context(), tree); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Ask: %v", err)
	}
	_ = tree.Signal(syscall.SIGTERM)
	status, err := tree.Wait()
	if err != nil {
		t.Error(err)
	}
	if err := errors.Join(h.Close(), h.Close()); err != nil {
		t.Error(err)
	}
	return status
}
