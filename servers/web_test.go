package servers_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const limit = 10 * time.Second

// buildWeb builds the sample that README runs first.
func buildWeb(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "web.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../testdata/apps/web").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// TestProgram has a real program stopped by each signal: it answers with what its environment says, and ends with 0.
func TestProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send an interrupt to another process")
	}
	binary := buildWeb(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(environ(), "ASPNETCORE_URLS=http://localhost:0", "GREETING=Good day", "ASPNETCORE_ENVIRONMENT=Development")
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(stderr).ReadString('\n')
		url, found := strings.CutPrefix(strings.TrimSpace(line), "Now listening on: ")
		if err != nil || !found {
			t.Fatalf("got %q, %v", line, err)
		}
		if got := fetch(t, strings.Replace(url, "localhost", "127.0.0.1", 1)); got != "Good day (Development)\n" {
			t.Errorf("got %q", got)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || stdout.Len() > 0 {
			t.Errorf("%v: %v, stdout %q", signal, err, stdout.String())
		}
	}
}

// TestProgramFails has the program say what is wrong, all of it.
func TestProgramFails(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), buildWeb(t))
	cmd.Env = append(environ(), "ASPNETCORE_URLS=http://localhost:5001/path;localhost:80")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"http://localhost:5001/path (ASPNETCORE_URLS)", `"localhost:80"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("got %s, want %s", out, want)
		}
	}
}

// environ is this environment without what servers.Run reads.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "PORT" || name == "GORUN_SERVER" || strings.HasSuffix(name, "_URLS") || strings.HasSuffix(name, "_PORTS")
	})
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: limit}
	resp, err := client.Get(url)
	if err != nil {
		return fmt.Sprint(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
