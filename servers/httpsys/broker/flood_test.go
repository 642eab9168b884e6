//go:build linux || darwin

package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// TestBrokerAlone is a broker in a process of its own, for tests about descriptors and memory. It is no test itself.
func TestBrokerAlone(t *testing.T) {
	where := os.Getenv("BROKER_ALONE")
	if where == "" {
		return
	}
	if most, _ := strconv.ParseUint(os.Getenv("BROKER_NOFILE"), 10, 32); most > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the parent closes it, or ends
		stop()
	}()
	heads, _ := strconv.Atoi(os.Getenv("BROKER_HEADS"))
	err := Run(ctx, Options{Folder: where, Version: "v-test", Linger: time.Hour, MaxHeads: heads,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}, func() { fmt.Println("ready") })
	if err != nil {
		t.Error(err)
	}
}

// alone starts a broker as a process of its own.
func alone(t testing.TB, env ...string) (*running, *exec.Cmd) {
	t.Helper()
	b := &running{folder: folder(t), said: &said{}}
	child := exec.Command(os.Args[0], "-test.run=^TestBrokerAlone$")
	child.Env = append(append(os.Environ(), "BROKER_ALONE="+b.folder), env...)
	child.Stderr = b.said
	begin(t, child)
	return b, child
}

// flood opens connections that send no more than text, and keeps them open until the test ends: as many as this process may have,
// others with an end of their own.
func flood(t *testing.T, addr, text string, n int) {
	t.Helper()
	var all []net.Conn
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range all {
			c.Close()
		}
	})
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, text)
		all = append(all, c)
		if uint64(len(all)) > limit.Cur*3/4 {
			all[0].Close()
			all = all[1:]
		}
	}
}

// Descriptors run out: it is said once, room is made, and nobody else notices more than a moment.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	b, _ := alone(t, "BROKER_NOFILE=200", "BROKER_HEADS=100000")
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	flood(t, addr, "GET / HT", 500)
	for range 20 {
		want(t, addr, "localhost", "/", 200, "a /")
	}
	if n := b.said.count("no connection can be accepted"); n < 1 || n > 10 {
		t.Errorf("it is said %d times:\n%s", n, b.said.text.String())
	}
	if s := show(t, b); s.Refused.Shed == 0 {
		t.Error("nobody had to go")
	}
}

// The oldest heads go for new ones before descriptors run out.
func TestTooManyHeads(t *testing.T) {
	t.Parallel()
	b, _ := alone(t, "BROKER_NOFILE=200")
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	flood(t, addr, "GET / HT", 500)
	want(t, addr, "localhost", "/", 200, "a /")
	if n := b.said.count("no connection can be accepted"); n != 0 {
		t.Errorf("descriptors have run out:\n%s", b.said.text.String())
	}
	eventually(t, "all have come", func() bool { return show(t, b).Refused.Shed >= 400 })
}

// Many connections that lead nowhere cost memory for what is known of them, and nobody else is harmed.
func TestManyToNowhere(t *testing.T) { // not beside others, which want descriptors too
	n := 1000
	if os.Getenv("GORUN_CI") != "" {
		n = 20000
	}
	b, child := alone(t, "BROKER_HEADS=30000")
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	want(t, addr, "localhost", "/", 200, "a /")
	before := memory(child.Process.Pid)
	flood(t, addr, "GET / HT", n)
	want(t, addr, "localhost", "/", 200, "a /")
	after := memory(child.Process.Pid)
	t.Logf("%d connections: %d KiB before, %d KiB after", n, before, after)
	if after > before+(4<<10)+2*n { // a goroutine for each would be four times that
		t.Errorf("%d connections took %d KiB", n, after-before)
	}
}

// Connections that were handed over cost the broker nothing.
func TestManyHandedOver(t *testing.T) { // not beside others, which want descriptors too
	n := 500
	if os.Getenv("GORUN_CI") != "" {
		n = 10000
	}
	b, child := alone(t)
	a := connect(t, b, &app{name: "a"}).open(wire.Open{Queue: "q"})
	prefix := a.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	keeper(t, b, prefix, "BROKER_TAKES=1")
	eventually(t, "the keeper is there", func() bool { return len(show(t, b).Queues[0].Workers) == 2 })
	a.leave()
	eventually(t, "it is alone", func() bool { return len(show(t, b).Queues[0].Workers) == 1 })
	flood(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1)
	before := memory(child.Process.Pid)
	for taken := uint64(1); taken <= uint64(n); { // no more at once than the queue takes
		const some = 500
		flood(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", some)
		taken += some
		eventually(t, "all are taken", func() bool { return show(t, b).Queues[0].Workers[0].Taken == taken })
	}
	after := memory(child.Process.Pid)
	t.Logf("%d connections: %d KiB before, %d KiB after", n, before, after)
	if after > 40<<10 && after > before+(20<<10) {
		t.Errorf("%d connections took %d KiB", n, after-before)
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", child.Process.Pid)); err == nil && len(fds) > 30 {
		t.Errorf("it has %d descriptors", len(fds))
	}
}

// memory is what a process has in memory, in KiB; 0 where the system does not tell.
func memory(pid int) (kib int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib
		}
	}
	return 0
}
