//go:build linux || darwin

package broker

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// Several apps on one port, by path and by host, in the order of HTTP.sys (reference: servers.md, 4.2).
func TestOwners(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	shop := connect(t, b, &app{name: "shop"}).open(wire.Open{}).serve()
	addr := portOf(t, shop.add("http://localhost:0/shop")[0])
	_, port, _ := net.SplitHostPort(addr)
	all := connect(t, b, &app{name: "all"}).open(wire.Open{}, "http://localhost:"+port+"/").serve()
	api := connect(t, b, &app{name: "api"}).open(wire.Open{}, "http://api.localhost:"+port+"/").serve()
	for _, row := range []struct{ host, path, body string }{
		{"localhost", "/", "all /"},
		{"localhost", "/shop", "shop /shop"},
		{"LOCALHOST:1", "/SHOP/a", "shop /SHOP/a"},
		{"localhost", "/shopping", "all /shopping"},
		{"api.localhost", "/shop", "api /shop"},
	} {
		want(t, addr, row.host, row.path, 200, row.body)
	}
	want(t, addr, "other.localhost", "/", 400, "Invalid Hostname")

	if err := all.ask(wire.KindRemove, wire.Remove{Prefixes: []string{"http://localhost:" + port + "/"}}, nil); err != nil {
		t.Error(err)
	}
	want(t, addr, "localhost", "/", 404, "")
	want(t, addr, "localhost", "/shop", 200, "shop /shop")
	api.leave()
	eventually(t, "the host is gone", func() bool { status, _ := get(t, addr, "api.localhost", "/"); return status == 400 })
}

// A connection whose next request is another's is handed back, and goes to that one with what was read.
func TestBack(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{})
	addr := portOf(t, one.add("http://localhost:0/one")[0])
	_, port, _ := net.SplitHostPort(addr)
	connect(t, b, &app{name: "two"}).open(wire.Open{}, "http://localhost:"+port+"/two").serve()
	connect(t, b, &app{name: "named"}).open(wire.Open{Queue: "named"}).serve()

	hand := func(v *visitor, queue string) error {
		t.Helper()
		c := (<-one.given).(*replay).Conn.(*net.TCPConn)
		defer c.Close()
		buffer := make([]byte, 4096)
		n, err := c.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return one.back(t, c, wire.Handback{Queue: queue, Read: []byte(strings.Replace(string(buffer[:n]), "/one", "/two", 1))})
	}
	v := dial(t, addr).ask("localhost", "/one")
	if err := hand(v, ""); err != nil {
		t.Error(err)
	}
	v.want(200, "two /two")
	v.ask("localhost", "/two/more").want(200, "two /two/more")

	v = dial(t, addr).ask("localhost", "/one")
	if err := hand(v, "named"); err != nil {
		t.Error(err)
	}
	v.want(200, "named /two")

	v = dial(t, addr).ask("localhost", "/one")
	if e, ok := errors.AsType[*wire.Error](hand(v, "nobody's")); !ok || e.Code != wire.CodeQueueMissing {
		t.Errorf("delegated to no queue: %v", e)
	}
	v.want(0, "")
}

// What a worker hands back though it is its own does not come back for ever.
func TestBackToItself(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{Verbosity: wire.Full})
	addr := portOf(t, one.add("http://localhost:0/")[0])
	v := dial(t, addr).ask("localhost", "/")
	c := (<-one.given).(*replay).Conn.(*net.TCPConn)
	defer c.Close()
	if err := one.back(t, c, wire.Handback{Read: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")}); err != nil {
		t.Error(err)
	}
	if status, _ := v.answer(); status != 503 {
		t.Errorf("it is answered with %d", status)
	}
	if n := one.came(); n != 1 {
		t.Errorf("it came %d times", n)
	}
}

// back hands a connection back, and waits for the reply.
func (a *app) back(t *testing.T, c *net.TCPConn, h wire.Handback) error {
	t.Helper()
	payload, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	a.last++
	if err := raw.Control(func(fd uintptr) {
		err = a.conn.Send(wire.Frame{Kind: wire.KindBack, ID: a.last, FD: int(fd), Payload: payload})
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case f := <-a.replies:
		return f.Reply(nil)
	case <-time.After(patient):
		return errors.New("no reply")
	}
}

// TLS that has one owner is not ended here.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{})
	addr := portOf(t, a.add("https://localhost:0/")[0])
	shaken := make(chan error, 1)
	v := dial(t, addr)
	go func() { shaken <- tls.Client(v, &tls.Config{ServerName: "localhost"}).Handshake() }()
	c := <-a.given
	if a.tls != 1 {
		t.Error("it does not say that the connection is encrypted")
	}
	first := make([]byte, 1)
	if n, err := c.Read(first); n != 1 || first[0] != 22 {
		t.Errorf("it begins with % x, %v", first, err)
	}
	c.Close()
	if err := <-shaken; err == nil {
		t.Error("the handshake has succeeded")
	}
	if status, body := get(t, addr, "localhost", "/"); status != 400 || !strings.Contains(body, "HTTPS") {
		t.Errorf("without TLS: %d %q", status, body)
	}
}

// What is taken is refused to others, by name; and of several prefixes all are registered or none.
func TestExists(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{}).serve()
	prefix := one.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	two := connect(t, b, &app{name: "two"}).open(wire.Open{}).serve()
	for _, row := range []struct {
		prefixes []string
		code     wire.Code
		text     string
	}{
		{[]string{strings.TrimSuffix(prefix, "/") + "/two", prefix}, wire.CodeExists, "(one)"},
		{[]string{strings.Replace(prefix, "localhost", "LOCALHOST", 1)}, wire.CodeExists, "(one)"},
		{[]string{"ftp://localhost/"}, wire.CodePrefix, ""},
		{[]string{"http://198.51.100.7:0/"}, wire.CodePort, "no such address"},
	} {
		err := two.ask(wire.KindAdd, wire.Add{Prefixes: row.prefixes}, nil)
		e, ok := errors.AsType[*wire.Error](err)
		if !ok || e.Code != row.code || !strings.Contains(e.Message, row.text) || e.Hint() == "" {
			t.Errorf("%v: %v", row.prefixes, err)
		}
	}
	want(t, addr, "localhost", "/two", 200, "one /two")
}

// Queues are made, or joined, as their mode says (reference: servers.md, 4.1).
func TestQueueModes(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	open := func(name string, mode wire.Mode) (*app, wire.Code) {
		a := connect(t, b, &app{name: "a"})
		err := a.ask(wire.KindOpen, wire.Open{Queue: name, Mode: mode}, nil)
		e, _ := errors.AsType[*wire.Error](err)
		if err != nil {
			a.leave()
			return nil, e.Code
		}
		return a, ""
	}
	wantCode := func(name string, mode wire.Mode, code wire.Code) *app {
		t.Helper()
		a, got := open(name, mode)
		if got != code {
			t.Errorf("%s of %q: %q, want %q", mode, name, got, code)
		}
		return a
	}
	wantCode("q", wire.Attach, wire.CodeQueueMissing)
	one := wantCode("q", wire.Create, "")
	wantCode("q", wire.Create, wire.CodeQueueExists)
	two := wantCode("q", wire.Attach, "")
	wantCode("q", wire.CreateOrAttach, "")
	wantCode("", wire.Create, "")
	wantCode("", wire.Create, "")
	if err := one.ask(wire.KindOpen, wire.Open{Mode: wire.Create}, nil); err == nil {
		t.Error("a second queue on one connection")
	}
	one.leave()
	two.leave()
	wantCode("q", wire.Create, wire.CodeQueueExists) // the third has it
}

// Workers of one queue share its connections and its prefixes.
func TestWorkers(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{Queue: "q"}).serve()
	prefix := one.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	two := connect(t, b, &app{name: "two"}).open(wire.Open{Queue: "q"}, prefix).serve()
	eventually(t, "both have some", func() bool {
		want(t, addr, "localhost", "/", 200, "")
		return one.came() > 2 && two.came() > 2
	})
	one.leave()
	for range 5 { // the prefix is still two's
		want(t, addr, "localhost", "/", 200, "")
	}
	two.leave()
	eventually(t, "nobody listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

// A new prefix is final when all know of it, and nobody waits for ever for one who does not say so.
func TestBarrier(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Barrier: 300 * time.Millisecond})
	one := connect(t, b, &app{name: "one", silent: true}).open(wire.Open{}).serve()
	prefix := one.add("http://localhost:0/")[0]
	two := connect(t, b, &app{name: "two"}).open(wire.Open{})
	begun := time.Now()
	two.add(prefix + "two/")
	if waited := time.Since(begun); waited < 300*time.Millisecond {
		t.Errorf("added after %v, before one knew", waited)
	}
	if n := b.said.count("does not say whether it knows"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	var table wire.Table
	for len(table.Entries) < 2 {
		table = <-one.tables
	}
	if !table.Entries[0].Mine || table.Entries[1].Mine {
		t.Errorf("one is told %+v", table)
	}
	begun = time.Now()
	one.send(wire.KindKnown, 0, wire.Known{Version: table.Version + 1000}) // knows all to come
	two.add(prefix + "more/")
	if waited := time.Since(begun); waited > 20*time.Second {
		t.Errorf("added after %v", waited)
	}
}
