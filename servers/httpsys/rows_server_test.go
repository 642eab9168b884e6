//go:build linux || darwin

package httpsys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestRowsServer has the cases of ServerTests (reference: servers.md, 4.5) and the rows about the end of a server (4.3).
func TestRowsServer(t *testing.T) {
	rows{
		"H4.5-Server_200OK":                                          answers("", get("localhost", "/"), ""),
		"H4.5-Server_SendHelloWorld":                                 answers("Hello World", get("localhost", "/"), "Hello World"),
		"H4.5-Server_EchoHelloWorld":                                 answers("", post("/", "Hello World"), "Hello World"),
		"H4.5-Server_ConnectExistingQueueName-Attach":                joins(httpsys.Attach),
		"H4.5-Server_ConnectExistingQueueName-CreateOrAttach":        joins(httpsys.CreateOrAttach),
		"H4.5-Server_AttachToExistingQueue_NoDefault-Attach":         noDefault(httpsys.Attach),
		"H4.5-Server_AttachToExistingQueue_NoDefault-CreateOrAttach": noDefault(httpsys.CreateOrAttach),
		"H4.5-Server_ShutdownDuringRequest, H4.3-shutdown":           shutdownDuringRequest,
		"H4.5-Server_DisposeWithoutStopDuringRequest_Aborts":         cutOff(-1),
		"H4.5-Server_ShutdownDuringLongRunningRequest":               cutOff(short),
		"H4.5-Server_StopAsyncCalledWithNoRequests":                  stopWithoutRequests,
		"H4.5-Server_MultipleStopAsyncCallsWaitForRequests":          severalStops,
		"H4.5-Server_Abort":                                          abort,
		"H4.5-Server_SetHttp503VerbosityHittingThrottle":             throttled,
	}.run(t)
}

// answers has a handler write a text, or else what it reads.
func answers(text, request, want string) func(*testing.T) {
	return func(t *testing.T) {
		s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if text != "" {
				w.Header().Set("Content-Length", fmt.Sprint(len(text)))
				io.WriteString(w, text)
				return
			}
			io.Copy(w, r.Body)
		})})
		got := dial(t, s.at()).exchange(request)
		wantAnswer(t, "a request", got, 200, want)
		if got.header.Get("Content-Length") != fmt.Sprint(len(want)) {
			t.Errorf("the length is not told: %v", got.header)
		}
	}
}

// joins has a Server join a queue, with a prefix of its own, as gorun httpsys show tells.
func joins(m httpsys.Mode) func(*testing.T) {
	return func(t *testing.T) {
		first := serve(t, "", &httpsys.Server{Options: httpsys.Options{RequestQueueName: "q"}})
		list := []string{first.url("/second")}
		serve(t, first.folder, &httpsys.Server{Options: httpsys.Options{RequestQueueName: "q", RequestQueueMode: m, UrlPrefixes: list}})
		q := first.queue(t, "q")
		if len(q.Workers) != 2 || len(q.Prefixes) != 2 || len(first.state(t).Queues) != 1 {
			t.Errorf("got %+v", q)
		}
		wantAnswer(t, "its prefix", dial(t, first.at()).exchange(get("localhost", "/second")), 200, "Hello World")
	}
}

// noDefault: a queue that is there already has its prefixes.
func noDefault(m httpsys.Mode) func(*testing.T) {
	return func(t *testing.T) {
		first := serve(t, "", &httpsys.Server{Options: httpsys.Options{RequestQueueName: "q"}})
		second := &httpsys.Server{Options: httpsys.Options{RequestQueueName: "q", RequestQueueMode: m}}
		server(t, first.folder, second).Listens = nil
		s := serveAs(t, first.folder, second)
		if q := first.queue(t, "q"); len(s.addresses) != 0 || len(q.Prefixes) != 1 || len(q.Workers) != 2 {
			t.Errorf("it has %v, and the queue %+v", s.addresses, q)
		}
	}
}

// running is a request that a handler has not answered yet.
type running struct {
	*served
	client *client
	leave  chan struct{}
}

func runningRequest(t *testing.T, timeout time.Duration) *running {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	s := serve(t, "", &httpsys.Server{ShutdownTimeout: timeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/idle" {
			return
		}
		close(entered)
		<-leave
		io.WriteString(w, "Hello World")
	})})
	c := dial(t, s.at())
	io.WriteString(c, get("localhost", "/"))
	wait(t, "the request", entered)
	return &running{s, c, leave}
}

// stopping asks for the end and waits until it has begun: a connection that is kept alive is served no more.
func (r *running) stopping(t *testing.T) {
	t.Helper()
	idle := dial(t, r.at())
	wantAnswer(t, "a connection", idle.exchange(get("localhost", "/idle")), 200, "")
	r.stop()
	for end := time.Now().Add(limit); ; {
		if got := idle.exchange(get("localhost", "/idle")); got.status != 200 || got.close {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it goes on")
		}
	}
}

// shutdownDuringRequest: what runs is answered, and nobody is let in any more.
func shutdownDuringRequest(t *testing.T) {
	r := runningRequest(t, limit)
	r.stopping(t)
	if c, err := net.Dial("tcp", r.at()); err == nil {
		c.Close()
		t.Error("clients are still let in")
	}
	close(r.leave)
	if got := r.client.answer("GET"); got.status != 200 || got.body != "Hello World" || !got.close {
		t.Errorf("got %+v", got)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

// cutOff: what runs for longer than that gets no answer, and Serve says so.
func cutOff(timeout time.Duration) func(*testing.T) {
	return func(t *testing.T) {
		r := runningRequest(t, timeout)
		defer close(r.leave)
		r.stop()
		wantAnswer(t, "the request", r.client.answer("GET"), 0, "")
		if _, ok := errors.AsType[*httpsys.CutOffError](r.end()); !ok {
			t.Errorf("got %v", r.end())
		}
	}
}

func stopWithoutRequests(t *testing.T) {
	s := serve(t, "", &httpsys.Server{})
	if err := s.end(); err != nil {
		t.Error(err)
	}
	for _, q := range s.state(t).Queues { // the broker may not have seen yet that the program is gone
		if len(q.Prefixes) != 0 {
			t.Errorf("%v is left", q.Prefixes)
		}
	}
}

// severalStops: all that ask wait for the same end.
func severalStops(t *testing.T) {
	r := runningRequest(t, limit)
	ends := make(chan error, 3)
	r.stopping(t)
	for range cap(ends) {
		go func() { ends <- r.end() }()
	}
	if len(ends) != 0 {
		t.Error("it has ended while a request runs")
	}
	close(r.leave)
	for range cap(ends) {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	wantAnswer(t, "the request", r.client.answer("GET"), 200, "Hello World")
}

// abort: a handler that gives up has its client's connection closed, and its context ended.
func abort(t *testing.T) {
	ended := make(chan struct{})
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(ended) })
		panic(http.ErrAbortHandler)
	})})
	c := dial(t, s.at())
	wantAnswer(t, "a request", c.exchange(get("localhost", "/")), 0, "")
	wait(t, "the end of its context", ended)
}

// throttled: one connection more than MaxConnections is told what Http503Verbosity says.
func throttled(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{MaxConnections: 3, Http503Verbosity: httpsys.Limited}})
	for range 3 {
		wantAnswer(t, "a connection", dial(t, s.at()).exchange(get("localhost", "/")), 200, "Hello World")
	}
	wantAnswer(t, "one more", dial(t, s.at()).exchange(get("localhost", "/")), 503, "")
}
