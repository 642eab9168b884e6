//go:build unix

package servers

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// serviceManager is a socket as systemd has one. Its channel has the messages.
func serviceManager(t *testing.T, name string) (*net.UnixConn, chan string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	messages := make(chan string, 20)
	go func() {
		defer close(messages)
		buf := make([]byte, 1000)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			messages <- string(buf[:n])
		}
	}()
	return conn, messages
}

func wantMessage(t *testing.T, messages chan string, want string) {
	t.Helper()
	select {
	case got := <-messages:
		if got != want {
			t.Errorf("the manager is told %q, want %q", got, want)
		}
	case <-time.After(limit):
		t.Errorf("the manager is not told %q", want)
	}
}

// socketDir is short enough for the name of a socket.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// The manager is told when every address is open, and when the app begins to stop: while requests still run.
func TestNotify(t *testing.T) {
	t.Parallel()
	names := []string{filepath.Join(socketDir(t), "notify")}
	if runtime.GOOS == "linux" {
		names = append(names, "@gorun-test-"+rand.Text())
	}
	for _, name := range names {
		_, messages := serviceManager(t, name)
		begun, finish := make(chan struct{}), make(chan struct{})
		r := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(begun)
			<-finish
		}), map[string]string{"NOTIFY_SOCKET": name, "ASPNETCORE_URLS": "http://127.0.0.1:0"})
		url := r.url(t)
		wantMessage(t, messages, "READY=1")
		answered := make(chan error, 1)
		go func() {
			_, err := get(url)
			answered <- err
		}()
		<-begun
		r.stop()
		wantMessage(t, messages, "STOPPING=1")
		close(finish)
		if err := <-answered; err != nil {
			t.Errorf("the request that ran: %v", err)
		}
		if err := r.wait(t); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

// Nobody is told that an app is ready, or stops, which never was.
func TestNotifyFailedStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	name := filepath.Join(socketDir(t), "notify")
	_, messages := serviceManager(t, name)
	r := start(t, hello, map[string]string{"NOTIFY_SOCKET": name, "ASPNETCORE_URLS": "http://" + taken.Addr().String()})
	if err := r.wait(t); !isInUse(err) {
		t.Errorf("it ended with %v", err)
	}
	if err := sendTo(name, "the end"); err != nil {
		t.Fatal(err)
	}
	wantMessage(t, messages, "the end")
}

// A manager that is gone, or a name that is none, is no failure of the app's.
func TestNotifyNobody(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(socketDir(t), "notify")
	conn, _ := serviceManager(t, gone)
	conn.Close()
	for _, name := range []string{gone, "/no/such/folder/socket", "vsock:2:1234", "@"} {
		r := start(t, hello, map[string]string{"NOTIFY_SOCKET": name, "ASPNETCORE_URLS": "http://127.0.0.1:0"})
		wantHello(t, r.url(t))
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The variable is for the program alone. Not parallel, since it changes the environment.
func TestTakeNotifySocket(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "@name")
	if got := takeNotifySocket(); got != "@name" {
		t.Errorf("got %q", got)
	}
	if got, ok := os.LookupEnv("NOTIFY_SOCKET"); ok {
		t.Errorf("children inherit %q", got)
	}
	if got := takeNotifySocket(); got != "" {
		t.Errorf("a second app gets %q", got)
	}
}

// A front that passes requests on is told that its token counts; its message to stop is heard before all has ended.
func TestNotifyPaired(t *testing.T) {
	t.Parallel()
	name := filepath.Join(socketDir(t), "notify")
	_, messages := serviceManager(t, name)
	url, ended := fronted(t, hello, "module", map[string]string{"NOTIFY_SOCKET": name})
	wantMessage(t, messages, "READY=1\nX_GORUN_PAIRED=1")
	header := []string{"MS-ASPNETCORE-TOKEN", "secret", "MS-ASPNETCORE-EVENT", "shutdown"}
	if status, _ := behindFront(t, "POST", url+"/app/iisintegration", "", header...); status != http.StatusAccepted {
		t.Errorf("the shutdown message gets %d", status)
	}
	wantMessage(t, messages, "STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The end of a server for another reason than a wish to stop is no stop that is told beforehand.
func TestNotifyServerFails(t *testing.T) {
	t.Parallel()
	name := filepath.Join(socketDir(t), "notify")
	_, messages := serviceManager(t, name)
	fails := ServerFunc(func(_ context.Context, site *Site) error {
		site.Listening("http://x")
		site.Listening("http://y") // which is told once
		return http.ErrAbortHandler
	})
	r := start(t, hello, map[string]string{"NOTIFY_SOCKET": name}, WithServer("fails", fails))
	if err := r.wait(t); err == nil {
		t.Error("no error")
	}
	wantMessage(t, messages, "READY=1")
	if err := sendTo(name, "the end"); err != nil {
		t.Fatal(err)
	}
	wantMessage(t, messages, "the end")
}
