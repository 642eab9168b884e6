//go:build unix

package servers_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestInherited has sockets handed over to a real program, in both ways: it serves on them, and on them alone.
func TestInherited(t *testing.T) {
	t.Parallel()
	binary := buildWeb(t)
	for name, c := range map[string]struct {
		command []string
		env     []string
		lines   int // addresses that it announces
	}{
		"by systemd's protocol":         {[]string{"sh", "-c", `LISTEN_PID=$$ exec "$0"`, binary}, []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:api.socket"}, 2},
		"without a pid":                 {[]string{binary}, []string{"GORUN_LISTEN_FDS=2"}, 2},
		"beside addresses":              {[]string{binary}, []string{"GORUN_LISTEN_FDS=2", "ASPNETCORE_URLS=http://localhost:0"}, 3},
		"for another process":           {[]string{binary}, []string{"LISTEN_FDS=2", "LISTEN_PID=1", "ASPNETCORE_URLS=http://localhost:0"}, 1},
		"for the address that is asked": {[]string{binary}, []string{"GORUN_LISTEN_FDS=2", "ASPNETCORE_URLS=http://%s"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tcp, path, files := openSockets(t)
			cmd := exec.Command(c.command[0], c.command[1:]...) // ended by listening: the context is cancelled before it can be asked to
			cmd.Env = environ()
			for _, entry := range c.env {
				cmd.Env = append(cmd.Env, strings.Replace(entry, "%s", tcp, 1))
			}
			cmd.ExtraFiles = files
			lines := listening(t, cmd, c.lines)
			refused := name == "for another process"
			for _, want := range []string{"http://" + tcp, "http://unix:" + path} {
				if lines[want] == refused {
					t.Errorf("it says %v; %s is wrong", lines, want)
				}
			}
			for _, f := range files {
				f.Close()
			}
			if refused {
				return
			}
			if got := fetch(t, "http://"+tcp); got != "Hello (Production)\n" {
				t.Errorf("over TCP: %q", got)
			}
			if got := overUnix(t, path); got != http.StatusOK {
				t.Errorf("over the unix socket: %d", got)
			}
		})
	}
}

// openSockets gives two listening sockets that nobody accepts on, as files.
func openSockets(t *testing.T) (addr, path string, files []*os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.sock")
	for _, network := range []string{"tcp", "unix"} {
		at := map[string]string{"tcp": "127.0.0.1:0", "unix": path}[network]
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var f *os.File
		if tcp, ok := l.(*net.TCPListener); ok {
			addr = l.Addr().String()
			f, err = tcp.File()
		} else {
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			f, err = l.(*net.UnixListener).File()
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return addr, path, files
}

// listening starts the program, ends it with the test, and gives the addresses that it announces: so many.
func listening(t *testing.T, cmd *exec.Cmd, count int) map[string]bool {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	lines := map[string]bool{}
	for scanner := bufio.NewScanner(stderr); len(lines) < count && scanner.Scan(); {
		url, found := strings.CutPrefix(scanner.Text(), "Now listening on: ")
		if !found {
			t.Fatalf("it says %q", scanner.Text())
		}
		lines[url] = true
	}
	return lines
}

func overUnix(t *testing.T, path string) int {
	t.Helper()
	client := http.Client{Timeout: limit, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	resp, err := client.Get("http://app/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Numbers that are none, and descriptors that are no sockets, are told, and nothing is served.
func TestInheritedNonsense(t *testing.T) {
	t.Parallel()
	binary := buildWeb(t)
	for count, want := range map[string]string{
		"x":  `GORUN_LISTEN_FDS is "x", which is not a number of sockets`,
		"-1": `GORUN_LISTEN_FDS is "-1", which is not`,
		"7":  "GORUN_LISTEN_FDS is 7, but file descriptor 3 is no listening socket",
	} {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(environ(), "GORUN_LISTEN_FDS="+count)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("%s: it ended with %v", count, err)
		}
		for _, want := range []string{want, "hint: who starts the program hands over"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: got %s, want %s", count, out, want)
			}
		}
	}
}
