package handover

import (
	"context"
	"net"
	"os"
	"testing"
	"time"
)

func TestConnected(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		port  int
		inode string
	}{
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode":                                                                                {},
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0000000000000000 100 0 0 10 0":                                                  {},
		"   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 20 0 0 10 -1":                                                 {8080, "4711"},
		"   2: 00000000000000000000000001000000:1F91 00000000000000000000000001000000:C350 08 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 0 0 10 -1": {8081, "4712"},
		"   3: 0100007F:XXXX 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4711 1":                                                                               {},
		"": {},
	} {
		if port, inode := connected(line); port != want.port || inode != want.inode {
			t.Errorf("%q: got %d %q", line, port, inode)
		}
	}
}

// An app that answers already when it is not wanted any more, and that nobody has seen accept, has requests to finish.
func TestReadyInTheLastMoment(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	h, tree := run(t, s, as(t, "plain"))
	conn, err := net.Dial("tcp", tcp) // which stays open, as that of a request that runs
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // nothing tells that it was accepted
		if found, known := s.hasConnection(tree.PIDs()); found || !known || time.Now().After(until) {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Ready(ctx, tree); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	stop(t, h, tree)
}

func FuzzConnected(f *testing.F) {
	f.Add("   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 20 0 0 10 -1")
	f.Fuzz(func(t *testing.T, line string) {
		if port, _ := connected(line); port < 0 || port > 65535 {
			t.Error(port)
		}
	})
}

func TestHasConnection(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	here := []int{os.Getpid()}
	has := func() bool {
		found, known := s.hasConnection(here)
		if !known {
			t.Error("the system does not show it")
		}
		return found
	}
	ask(t, "tcp", tcp)
	if has() {
		t.Error("nobody has accepted, and who has connected counts")
	}
	b, err := s.Backlog()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	conn, err := b.Listeners()[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !has() {
		t.Error("the connection that was accepted is not found")
	}
	conn.Close()
	if has() {
		t.Error("it is closed")
	}
}
