//go:build unix

package httpsys

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
