package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func portOfURL(t *testing.T, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil || port == "0" {
		t.Fatalf("%s has no port: %v", url, err)
	}
	return port
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func TestAllAddresses(t *testing.T) {
	t.Parallel()
	r := start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://localhost:0;http://127.0.0.1:0;http://*:0;http://0.0.0.0:0;http://api.local:0"})
	local, ip, star, all4, name := r.url(t), r.url(t), r.url(t), r.url(t), r.url(t)
	for url, prefix := range map[string]string{
		local: "http://localhost:", ip: "http://127.0.0.1:", star: "http://*:", all4: "http://0.0.0.0:", name: "http://api.local:",
	} {
		if !strings.HasPrefix(url, prefix) {
			t.Errorf("%s does not begin with %s", url, prefix)
		}
		wantHello(t, "http://127.0.0.1:"+portOfURL(t, url))
	}
	if hasIPv6() {
		for _, url := range []string{local, star, name} {
			wantHello(t, "http://[::1]:"+portOfURL(t, url))
		}
		for _, url := range []string{ip, all4} {
			if _, err := get("http://[::1]:" + portOfURL(t, url)); err == nil {
				t.Errorf("%s answers on ::1", url)
			}
		}
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if _, err := get(ip); err == nil {
		t.Error("it answers after the end")
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "gs") // t.TempDir is too long for a socket's name on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s.sock")
	url := "http://unix:/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	leaveBehind(t, path)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	r := start(t, hello, nil, WithURLs(url))
	if got := r.url(t); got != url {
		t.Errorf("got %s, want %s", got, url)
	}
	resp, err := client.Get("http://app/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	second := start(t, hello, nil, WithURLs(url))
	if err := second.wait(t); !isInUse(err) {
		t.Errorf("a second server on a live socket: %v", err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

// leaveBehind makes the file that a killed server leaves.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// A socket's file that belongs to another server by now stays.
func TestUnixSocketOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	first, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the first has removed the second's file: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second has left its file: %v", err)
	}
	if err := second.Close(); err == nil {
		t.Error("it is closed twice without an error")
	}
}

func TestUnixSocketKeepsFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenUnix(path); err == nil {
		l.Close()
		t.Error("it listens in place of a file")
	}
	if data, err := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		taken, err := net.Listen("tcp", host+":0")
		if err != nil && host == "[::1]" {
			t.Skip("no IPv6")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		port := portOf(taken.Addr())
		list := fmt.Sprintf("http://127.0.0.1:0;http://localhost:%d;http://%s:%d", port, host, port)
		err = start(t, hello, map[string]string{"ASPNETCORE_URLS": list}).wait(t)
		problem, ok := errors.AsType[*AddressError](err)
		if !ok || !isInUse(err) {
			t.Fatalf("got %v", err)
		}
		if want := fmt.Sprintf("cannot listen on http://localhost:%d (ASPNETCORE_URLS)", port); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if want := fmt.Sprintf("http://%s:%d (ASPNETCORE_URLS)", host, port); !strings.Contains(err.Error(), want) {
			t.Errorf("the second one is not named: %v", err)
		}
		if !strings.Contains(problem.Hint(), "ASPNETCORE_URLS") {
			t.Errorf("hint: %q", problem.Hint())
		}
	}
}

// TestHalfStarted has the good addresses closed again when one is bad.
func TestHalfStarted(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := filepath.Join(t.TempDir(), "good.sock")
	err = start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://unix:" + good + ";http://" + taken.Addr().String()}).wait(t)
	if !isInUse(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(good); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the good address is still open: %v", err)
	}
}

func TestIsInUse(t *testing.T) {
	t.Parallel()
	wrapped := &AddressError{URL: "http://x:1", Source: "PORT", Err: &net.OpError{Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}}
	if !isInUse(wrapped) || isInUse(nil) || isInUse(io.EOF) {
		t.Error("it is not told apart")
	}
}
