//go:build unix

package httpsys

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// TestDelegate has another queue answer a request, and the client's connection go on.
func TestDelegate(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/delegated" {
			echo(w, r)
			return
		}
		if err := Delegate(w, r, DelegationRule{QueueName: "other"}); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)

	io.WriteString(client, "POST /delegated HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
	f := w.expect(wire.KindBack)
	back, err := wire.ParseHandback(f.Payload)
	if err != nil || back.Queue != "other" || f.ID == 0 || back.Meta == nil || back.Meta.TLS != nil {
		t.Fatalf("got %+v (%v)", back, err)
	}
	w.answer(f, nil, nil)
	other, err := wire.NetConn(f.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	relayed, err := http.ReadRequest(bufio.NewReader(other))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(relayed.Body); string(body) != "body" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	io.WriteString(other, "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nother")
	if status, body := read(t, r); status != 201 || body != "other" {
		t.Errorf("got %d %q", status, body)
	}
	if status, body := ask(t, client, r, "/", "a"); status != 200 || body != "GET |/" {
		t.Errorf("the connection does not go on: got %d %q", status, body)
	}

	io.WriteString(client, "GET /delegated HTTP/1.1\r\nHost: a\r\n\r\n")
	f = w.expect(wire.KindBack)
	f.Close()
	w.answer(f, nil, &wire.Error{Code: wire.CodeQueueMissing, Message: "no such queue"})
	want := `the request cannot be delegated to the queue "other": nobody has such a queue: `
	if status, body := read(t, r); status != http.StatusBadGateway || len(body) < len(want) || body[:len(want)] != want {
		t.Errorf("got %d %q", status, body)
	}
}

func TestDelegateRefuses(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body.Read(make([]byte, 1))
		err := Delegate(w, r, DelegationRule{QueueName: "other"})
		_, ok := errors.AsType[*DelegationError](err)
		fmt.Fprint(w, ok, " ", Delegate(w, r, DelegationRule{}))
	})})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
	if status, body := read(t, bufio.NewReader(client)); status != 200 || body != `true the request cannot be delegated to the queue "": the rule names none` {
		t.Errorf("got %d %q", status, body)
	}
	r, _ := http.NewRequest("GET", "/", nil)
	if err := Delegate(nil, r, DelegationRule{QueueName: "other"}); err == nil {
		t.Error("a request of another server is delegated")
	}
}

// TestDelegateTooLate: nobody else can answer what has been answered in part.
func TestDelegateTooLate(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/status":
			w.WriteHeader(http.StatusAccepted)
		case "/flushed":
			http.NewResponseController(w).Flush()
		case "/written":
			io.WriteString(w, "x")
		}
		fmt.Fprint(w, Delegate(w, r, DelegationRule{QueueName: "other"}))
	})})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	for _, path := range []string{"/status", "/flushed", "/written"} {
		if _, body := ask(t, client, r, path, "a"); !strings.HasSuffix(body, "the response has begun") {
			t.Errorf("%s: got %q", path, body)
		}
	}
}

// TestDelegateRound: queues that delegate to each other come to an end.
func TestDelegateRound(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := Delegate(w, r, DelegationRule{QueueName: "other"}); err != nil {
			http.Error(w, err.Error(), http.StatusLoopDetected)
		}
	})})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for i := range maxHops {
		f := w.expect(wire.KindBack)
		back, err := wire.ParseHandback(f.Payload)
		if err != nil || back.Meta.Hops != i+1 {
			t.Fatalf("got %+v (%v)", back.Meta, err)
		}
		w.answer(f, nil, nil)
		pair, err := wire.NetConn(f.FD)
		if err != nil {
			t.Fatal(err)
		}
		w.hand(pair.(*net.UnixConn), wire.Handover{Meta: back.Meta}) // the other queue's app is this one
	}
	if status, _ := read(t, bufio.NewReader(client)); status != http.StatusLoopDetected {
		t.Errorf("got %d", status)
	}
}

// TestDelegated: what another server has given to this one's queue is answered here, whatever its URL, and once it is handed back goes
// to the same queue.
func TestDelegated(t *testing.T) {
	t.Parallel()
	for _, middleware := range [][]func(net.Conn) (net.Conn, error){nil, {
		func(c net.Conn) (net.Conn, error) { return struct{ net.Conn }{c}, nil },
	}} {
		b := newFake(t)
		a := b.run(&Server{
			Options: Options{RequestQueueName: "q"}, Listens: []Listen{{URL: "http://*:0/base"}}, Middleware: middleware,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				echo(w, r)
				fmt.Fprint(w, " ", r.TLS != nil, " ", r.RemoteAddr)
			}),
		})
		w := <-b.workers
		for _, state := range []*wire.TLSState{nil, {ServerName: "elsewhere"}} {
			ours, theirs, err := socketPair()
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			other, err := wire.NetConn(theirs)
			if err != nil {
				t.Fatal(err)
			}
			meta := &wire.Meta{Remote: "10.0.0.9:9", Local: "10.0.0.1:80", TLS: state, Hops: 1, Delegated: true}
			w.hand(other.(*net.UnixConn), wire.Handover{Meta: meta, Read: []byte("GET /x HTTP/1.1\r\n")})
			io.WriteString(ours, "Host: elsewhere\r\n\r\n")
			want := fmt.Sprint("GET |/x ", state != nil)
			if middleware == nil {
				want += " 10.0.0.9:9"
			}
			if status, body := read(t, bufio.NewReader(ours)); status != 200 || !strings.HasPrefix(body, want) {
				t.Errorf("got %d %q, want %q", status, body, want)
			}
		}
		if a.stop(); middleware != nil {
			continue
		}
		back, err := wire.ParseHandback(w.expect(wire.KindBack).Payload)
		if err != nil || back.Queue != "q" || back.Meta == nil || !back.Meta.Delegated || back.Meta.Hops != 1 {
			t.Errorf("got %+v, %v", back, err)
		}
	}
}
