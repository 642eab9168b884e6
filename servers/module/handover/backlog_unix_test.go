//go:build linux || darwin

package handover

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// A front whose app does not start answers those who wait, and those alone: the next one waits for the next app.
func TestBacklog(t *testing.T) {
	t.Parallel()
	s, tcp, unixPath := open(t)
	var clients []client
	for range 5 {
		clients = append(clients, ask(t, "tcp", tcp), ask(t, "unix", unixPath))
	}
	wantWaiting(t, s)
	h, tree := run(t, s, process.Spec{Path: "/bin/sh", Args: []string{"-c", "exit 5"}})
	ended, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = tree.Wait()
		cancel()
	}()
	if err := h.Ready(ended, tree); err == nil {
		t.Fatal("it is ready")
	}
	b, err := s.Backlog()
	if err != nil { // though h is not closed so far
		t.Fatal(err)
	}
	_ = h.Close()
	late := ask(t, "tcp", tcp)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "sorry")
	})}
	var serving sync.WaitGroup
	for i, l := range b.Listeners() {
		if want := s.list[i].addr; l.Addr() != want {
			t.Errorf("%v is called %v", want, l.Addr())
		}
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
	}
	for _, c := range clients {
		c.want(http.StatusServiceUnavailable, "sorry")
	}
	if runtime.GOOS != "linux" { // there nobody tells how many wait
		late.want(http.StatusServiceUnavailable, "sorry")
		late = ask(t, "tcp", tcp)
	}
	if err := b.Answered(limited(t)); err != nil {
		t.Error(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	serving.Wait()
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}

	wantWaiting(t, s)
	h, tree = run(t, s, as(t, "plain"))
	wantReady(t, h, tree)
	late.want(http.StatusOK, "plain ")
	stop(t, h, tree)
}

// What was accepted counts until it is closed, and a listener on which nobody accepts until that is.
func TestBacklogAnswered(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	ask(t, "tcp", tcp)
	b, err := s.Backlog()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := b.Listeners()[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Answered(over); !errors.Is(err, context.Canceled) {
		t.Errorf("all is open: %v", err)
	}
	_ = b.Close()
	if err := b.Answered(over); !errors.Is(err, context.Canceled) {
		t.Errorf("the connection is open: %v", err)
	}
	conn.Close()
	conn.Close()
	if err := b.Answered(limited(t)); err != nil {
		t.Errorf("all is closed: %v", err)
	}
	if _, err := b.Listeners()[0].Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept afterwards: %v", err)
	}
}

// A front may accept for as long as it likes, and the next app still gets the sockets.
func TestListeners(t *testing.T) {
	t.Parallel()
	s, tcp, unixPath := open(t)
	for range 2 {
		list, err := s.Listeners()
		if err != nil {
			t.Fatal(err)
		}
		for i, addr := range []string{tcp, unixPath} {
			if list[i].Addr().String() != addr {
				t.Errorf("%s is called %v", addr, list[i].Addr())
			}
			accepted := make(chan error, 1)
			go func() {
				conn, err := list[i].Accept()
				if err == nil {
					_, err = conn.Read(make([]byte, 1)) // or who asks has nobody to write to
					conn.Close()
				}
				accepted <- err
			}()
			ask(t, list[i].Addr().Network(), addr)
			if err := <-accepted; err != nil {
				t.Error(err)
			}
			if err := list[i].Close(); err != nil {
				t.Error(err)
			}
		}
		first := ask(t, "unix", unixPath)
		wantWaiting(t, s)
		h, tree := run(t, s, as(t, "plain"))
		wantReady(t, h, tree)
		if _, err := s.Backlog(); !errors.Is(err, ErrInUse) {
			t.Errorf("the front may take what waits: %v", err)
		}
		first.want(http.StatusOK, "plain ")
		stop(t, h, tree)
	}
}
