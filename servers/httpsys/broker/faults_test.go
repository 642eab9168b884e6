//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// An app that takes nothing: its queue has a limit, and one more is told what the verbosity says (reference: servers.md, 4.1).
func TestQueueLimit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		verbosity wire.Verbosity
		status    int
		body      bool
	}{{wire.Basic, -1, false}, {"", -1, false}, {wire.Limited, 503, false}, {wire.Full, 503, true}} {
		t.Run(string(row.verbosity), func(t *testing.T) {
			t.Parallel()
			b := start(t, Options{})
			a := connect(t, b, &app{name: "a", idle: true}).open(wire.Open{Limit: 3, Verbosity: row.verbosity})
			addr := portOf(t, a.add("http://localhost:0/")[0])
			for i := range window + 3 {
				dial(t, addr).ask("localhost", fmt.Sprintf("/%d", i))
			}
			eventually(t, "the queue is full", func() bool { return show(t, b).Queues[0].Waiting == window+3 })
			status, body := get(t, addr, "localhost", "/more")
			if status != row.status || strings.Contains(body, "queue is full") != row.body {
				t.Errorf("%d %q", status, body)
			}
			if s := show(t, b); s.Refused.Queue != 1 || s.Queues[0].Workers[0].Waiting != window {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Nobody waits in a queue for longer than it says.
func TestQueueTimeout(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a", idle: true}).open(wire.Open{QueueTimeout: 2000, Verbosity: wire.Full})
	addr := portOf(t, a.add("http://localhost:0/")[0])
	for range window {
		dial(t, addr).ask("localhost", "/")
	}
	eventually(t, "the worker has all it may have", func() bool { return a.came() == window })
	want(t, addr, "localhost", "/", 503, "not taken the request in time")
}

// A worker that takes nothing at all is cut off, so that others get what it was sent.
func TestStuck(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a", idle: true}).open(wire.Open{Queue: "q", QueueTimeout: 1})
	prefix := a.add("http://localhost:0/")[0]
	v := dial(t, portOf(t, prefix)).ask("localhost", "/")
	eventually(t, "it has one", func() bool { return a.came() == 1 })
	connect(t, b, &app{name: "two"}).open(wire.Open{Queue: "q"}, prefix).serve()
	v.want(200, "two /")
	<-a.done
	if n := b.said.count("does not take its connections"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

// What a worker has not taken when it goes is another's: of the same queue, else whose prefix it is then, else it is refused.
func TestWorkerDies(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	other := connect(t, b, &app{name: "other"}).open(wire.Open{}).serve()
	prefix := other.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	dies := connect(t, b, &app{name: "dies", idle: true}).open(wire.Open{Queue: "q"}, prefix+"q/")
	v := dial(t, addr).ask("localhost", "/q/1")
	eventually(t, "it has one", func() bool { return dies.came() == 1 })
	two := connect(t, b, &app{name: "two"}).open(wire.Open{Queue: "q"}, prefix+"q/").serve()
	dies.leave()
	v.want(200, "two /q/1")

	two.leave()
	eventually(t, "it is the other's", func() bool { _, body := get(t, addr, "localhost", "/q/2"); return body == "other /q/2" })
	dies = connect(t, b, &app{name: "dies", idle: true}).open(wire.Open{}, prefix+"q/")
	v = dial(t, addr).ask("localhost", "/q/3")
	eventually(t, "it has one", func() bool { return dies.came() == 1 })
	dies.leave()
	v.want(200, "other /q/3")
}

// The last worker goes, and with it the prefix: those who wait are told so.
func TestLastWorkerDies(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	dies := connect(t, b, &app{name: "dies", idle: true}).open(wire.Open{Verbosity: wire.Full})
	addr := portOf(t, dies.add("http://localhost:0/")[0])
	v := dial(t, addr).ask("localhost", "/")
	eventually(t, "it has one", func() bool { return dies.came() == 1 })
	dies.leave()
	v.want(503, "has ended")
}

// A request that ends every worker that is given it does not end them all.
func TestPoison(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	var apps []*app
	var prefix string
	for i := range maxTries + 2 {
		a := connect(t, b, &app{name: "a", idle: true}).open(wire.Open{Queue: "q", Verbosity: wire.Full})
		if i == 0 {
			prefix = a.add("http://localhost:0/")[0]
		} else {
			a.add(prefix)
		}
		apps = append(apps, a)
	}
	v := dial(t, portOf(t, prefix)).ask("localhost", "/")
	for range maxTries + 1 {
		eventually(t, "somebody has it", func() bool {
			for i, a := range apps {
				if a.came() > 0 {
					a.leave()
					apps = append(apps[:i], apps[i+1:]...)
					return true
				}
			}
			return false
		})
	}
	v.want(503, "has ended")
	if len(apps) != 1 {
		t.Errorf("%d are left", len(apps))
	}
}

// Killed is a process with connections that it has been sent and has not taken.
func TestWorkerIsKilled(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	two := connect(t, b, &app{name: "two"}).open(wire.Open{Queue: "q"}).serve()
	prefix := two.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	child := keeper(t, b, prefix)
	untaken := func() int {
		for _, w := range show(t, b).Queues[0].Workers {
			if w.PID == child.Process.Pid {
				return w.Waiting
			}
		}
		return -1
	}
	eventually(t, "the child is there", func() bool { return untaken() >= 0 })
	var all []*visitor
	for untaken() < 5 {
		all = append(all, dial(t, addr).ask("localhost", "/"))
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		v.want(200, "two /")
	}
	if s := show(t, b); len(s.Queues) != 1 || s.Queues[0].Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

// keeper starts a worker of queue q as a process of its own, which takes nothing, or with BROKER_TAKES=1 keeps what it takes.
func keeper(t *testing.T, b *running, prefix string, env ...string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKeeper$")
	child.Env = append(append(os.Environ(), "BROKER_FOLDER="+b.folder, "BROKER_PREFIX="+prefix), env...)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
	})
	return child
}

// TestKeeper is the body of keeper. It is no test itself.
func TestKeeper(t *testing.T) {
	folder := os.Getenv("BROKER_FOLDER")
	if folder == "" {
		return // it is no test of its own
	}
	a := connect(t, &running{folder: folder}, &app{name: "child", idle: os.Getenv("BROKER_TAKES") == ""}).open(wire.Open{Queue: "q"}, os.Getenv("BROKER_PREFIX"))
	<-a.done
}

// A port that another program has, with or without SO_REUSEPORT, is not shared with it.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	shared := connect(t, start(t, Options{}), &app{name: "other broker's"}).open(wire.Open{})
	for _, port := range []string{l.Addr().String(), portOf(t, shared.add("http://localhost:0/")[0])} {
		_, port, _ := net.SplitHostPort(port)
		for _, host := range []string{"localhost", "+"} {
			err := a.ask(wire.KindAdd, wire.Add{Prefixes: []string{"http://" + host + ":" + port + "/"}}, nil)
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Code != wire.CodePort || !strings.Contains(e.Message, "already in use") || e.Hint() == "" {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
	if s := show(t, b); len(s.Listeners) != 0 {
		t.Errorf("it listens at %v", s.Listeners)
	}
}

// Heads that come slowly are waited for, those that do not come are not, and others do not notice.
func TestSlowHeads(t *testing.T) {
	t.Parallel()
	b := start(t, Options{HeadWait: 1500 * time.Millisecond})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	silent, begun := dial(t, addr), dial(t, addr).write("GET / HT")
	cut, gone := dial(t, addr).write("GET / HT"), dial(t, addr)
	cut.Conn.(*net.TCPConn).CloseWrite()
	gone.Close()
	cut.want(400, "")
	slow := dial(t, addr)
	for _, c := range []byte("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n") {
		slow.write(string(c))
	}
	slow.want(200, "a /slow")
	large := dial(t, addr).write("GET /large HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 30000) + "\r\n")
	want(t, addr, "localhost", "/", 200, "a /")
	large.write("\r\n").want(200, "a /large")
	silent.want(0, "")
	begun.want(408, "")
	dial(t, addr).write("GET /"+strings.Repeat("x", 20000)).want(414, "")
	dial(t, addr).write("nonsense\r\n\r\n").want(400, "")
	eventually(t, "they are counted", func() bool { return show(t, b).Refused.Slow == 2 })
}
