//go:build linux || darwin

package handover

import (
	"errors"
	"net"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// Nobody waits in vain for a front that has closed its sockets, and nobody gets them any more.
func TestClose(t *testing.T) {
	t.Parallel()
	s, tcp, unixPath := open(t)
	waits := ask(t, "tcp", tcp)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := waits.answer(); err == nil {
		t.Error("a connection that waited has an answer")
	}
	for network, addr := range map[string]string{"tcp": tcp, "unix": unixPath} {
		if conn, err := net.Dial(network, addr); err == nil {
			conn.Close()
			t.Errorf("somebody listens on %s", addr)
		}
	}
	if _, err := s.Listeners(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Listeners: %v", err)
	}
	if err := s.Hosting().Prepare(&process.Spec{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Prepare: %v", err)
	}
}

// Close leaves the sockets to an app that is about to start, until that has failed.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	h := s.Hosting()
	var spec process.Spec
	if err := h.Prepare(&spec); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	for !s.isClosed() { // then it waits
		ask(t, "tcp", tcp).Close()
	}
	if queues := s.queues(); len(closed) != 0 || len(queues) != 2 {
		t.Errorf("it has not waited: %v", queues)
	}
	ask(t, "tcp", tcp)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func (s *Sockets) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
