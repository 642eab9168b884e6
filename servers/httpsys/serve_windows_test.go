//go:build amd64 || arm64

package httpsys

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// TestManyAtOnce has more requests at once than are asked for, of which none is lost.
func TestManyAtOnce(t *testing.T) {
	const clients = 12
	var release = make(chan struct{})
	arrived := make(chan struct{}, clients)
	s := start(t, &Server{Options: Options{MaxAccepts: 4}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		io.WriteString(w, "ok")
	})})
	answers := make(chan string, clients)
	for range clients {
		go func() {
			response, err := http.Get(s.url)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer response.Body.Close()
			b, _ := io.ReadAll(response.Body)
			answers <- string(b)
		}()
	}
	for range clients {
		<-arrived
	}
	close(release)
	for range clients {
		if got := <-answers; got != "ok" {
			t.Errorf("got %s", got)
		}
	}
}

// TestTwoProcesses has two programs share a port. Both live until the end.
func TestTwoProcesses(t *testing.T) {
	s := start(t, &Server{Handler: http.HandlerFunc(echo), Options: Options{UrlPrefixes: []string{"http://localhost:0/one/"}}})
	other := strings.TrimSuffix(s.url, "/one") + "/two"
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPrefix+"="+other)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != other {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	for range 3 {
		for url, pid := range map[string]int{s.url: os.Getpid(), other: cmd.Process.Pid} {
			response := get(t, url+"/x")
			if got := response.Header.Get("X-Pid"); got != fmt.Sprint(pid) {
				t.Errorf("%s was served by %s, want %d", url, got, pid)
			}
			if got := text(t, response); !strings.Contains(got, `path="/x"`) {
				t.Errorf("%s: got %s", url, got)
			}
		}
	}
}

// TestRegisteredTwice names the prefix, and registers none.
func TestRegisteredTwice(t *testing.T) {
	s := start(t, &Server{})
	prefix := s.url + "/"
	second := &Server{Options: Options{UrlPrefixes: []string{prefix}}, Log: slog.New(slog.DiscardHandler)}
	err := second.Serve(t.Context(), func([]string) { t.Error("it listens") })
	if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), prefix) {
		t.Errorf("got %v", err)
	}
	if registration, ok := errors.AsType[*RegistrationError](err); !ok || !strings.Contains(registration.Hint(), "netsh http show servicestate") {
		t.Errorf("got %v", err)
	}
}

// TestStop has Serve end when nobody asks for anything: what it has begun is cancelled.
func TestStop(t *testing.T) {
	s := start(t, &Server{Options: Options{MaxAccepts: 8}})
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// TestGracefulStop lets a request that runs be answered, and closes its connection.
func TestGracefulStop(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := start(t, &Server{ShutdownTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		io.WriteString(w, "done")
	})})
	type answer struct {
		text   string
		closes bool
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		response, err := http.Get(s.url)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		answers <- answer{string(b), response.Close, err}
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("it has not waited: %v", err)
	case <-time.After(100 * time.Millisecond): // it is not sure to fail when it should, but never fails when it should not
	}
	close(release)
	if diff := cmp.Diff(answer{"done", true, nil}, <-answers, cmp.AllowUnexported(answer{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestCutOff has a request outlive ShutdownTimeout: its context ends, and its reads and writes fail.
func TestCutOff(t *testing.T) {
	arrived := make(chan struct{})
	over := make(chan error, 1)
	s := start(t, &Server{ShutdownTimeout: 50 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		_, err := w.Write(make([]byte, 2*bufferSize))
		over <- err
	})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		if r, err := http.NewRequestWithContext(ctx, "GET", s.url, nil); err == nil {
			if response, err := http.DefaultClient.Do(r); err == nil {
				response.Body.Close()
			}
		}
	}()
	<-arrived
	if _, ok := errors.AsType[*CutOffError](s.stop()); !ok {
		t.Errorf("got %v", s.stop())
	}
	if err := <-over; err == nil {
		t.Error("the write has succeeded")
	}
}

// TestDisconnect has a handler learn that its client has gone.
func TestDisconnect(t *testing.T) {
	if httpapi.Lacks("WaitForDisconnectEx") {
		t.Skip("Wine has no HttpWaitForDisconnectEx")
	}
	arrived, over := make(chan struct{}), make(chan struct{})
	s := start(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(over)
	})})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, "GET", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(r); err == nil {
		t.Error("it was answered")
	}
	<-over
}
