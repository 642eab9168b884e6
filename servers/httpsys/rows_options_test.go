//go:build linux || darwin

package httpsys_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// short is a time limit that a test waits for.
const short = 200 * time.Millisecond

// TestRowsOptions has the options of HttpSysOptions do what they say (reference: servers.md, 4.1).
func TestRowsOptions(t *testing.T) {
	rows{
		"H4.1-ClientCertificateMethod, H7.3-7":                                  clientCertificates,
		"H4.1-EnableResponseCaching":                                            responseCaching,
		"H4.1-Http503Verbosity":                                                 verbosity,
		"H4.1-MaxAccepts, H4.5-Server_MultipleOutstandingAsyncRequests, H7.3-5": maxAccepts,
		"H4.1-MaxConnections, H7.3-6":                                           maxConnections,
		"H4.5-Server_SetConnectionLimitInfinite":                                connectionsWithoutLimit,
		"H4.1-MaxRequestBodySize":                                               maxRequestBodySize,
		"H4.1-RequestQueueLimit, H4.5-Server_SetQueueLimit":                     queueLimit,
		"H4.1-RequestQueueName, H4.5-Server_SetQueueName":                       queueName,
		"H4.1-RequestQueueMode, H4.3-attach":                                    queueMode,
		"H4.1-UseLatin1RequestHeaders":                                          latin1,
		"H4.1-Timeouts.EntityBody":                                              entityBody,
		"H4.1-Timeouts.IdleConnection":                                          idleConnection,
		"H4.1-Timeouts.HeaderWait":                                              headerWait,
		"H4.1-UrlPrefixes":                                                      urlPrefixes,
	}.run(t)
}

func clientCertificates(t *testing.T) {
	for method, want := range map[httpsys.ClientCertificateMethod]string{httpsys.AllowCertificate: "client", httpsys.NoCertificate: ""} {
		config := &tls.Config{Certificates: []tls.Certificate{issue(t, "localhost")}, ClientAuth: tls.RequestClientCert}
		s := serve(t, "", &httpsys.Server{
			Options: httpsys.Options{ClientCertificateMethod: method}, Listens: []httpsys.Listen{{URL: "https://127.0.0.1:0", TLS: config}},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, c := range r.TLS.PeerCertificates {
					io.WriteString(w, c.Subject.CommonName)
				}
			}),
		})
		c, _ := secure(t, s.at(), &tls.Config{Certificates: []tls.Certificate{issue(t, "client")}})
		wantAnswer(t, method.String(), c.exchange(get("localhost", "/")), 200, want)
	}
	err := refused(t, startBroker(t), &httpsys.Server{Options: httpsys.Options{ClientCertificateMethod: httpsys.AllowRenegotiation}})
	if e, ok := errors.AsType[*httpsys.OptionError](err); !ok || e.Hint() == "" {
		t.Errorf("AllowRenegotiation: got %v", err)
	}
}

func responseCaching(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		option *bool
		calls  int64
	}{{nil, 2}, {&yes, 2}, {&no, 3}} {
		var calls atomic.Int64
		s := serve(t, "", &httpsys.Server{
			Options: httpsys.Options{EnableResponseCaching: c.option},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", "some/thing")
				w.Header().Set("Cache-Control", "public, max-age=10")
				io.WriteString(w, "x")
			}),
		})
		one := dial(t, s.at())
		for range 3 { // the first has the cache begin
			wantAnswer(t, "a request", one.exchange(get("localhost", "/")), 200, "x")
		}
		if n := calls.Load(); n != c.calls {
			t.Errorf("the handler was called %d times, want %d", n, c.calls)
		}
	}
}

// verbosity: the broker's TestQueueLimit shows what each does.
func verbosity(t *testing.T) {
	for _, v := range []httpsys.Verbosity{httpsys.Basic, httpsys.Limited, httpsys.Full} {
		s := serve(t, "", &httpsys.Server{Options: httpsys.Options{Http503Verbosity: v, RequestQueueName: "q"}})
		if got := s.queue(t, "q").Verbosity; string(got) != v.String() {
			t.Errorf("the queue is %s, want %v", got, v)
		}
	}
	if got := serve(t, "", &httpsys.Server{}).queue(t, "").Verbosity; got != wire.Basic {
		t.Errorf("the default is %s", got)
	}
}

// maxAccepts: it is no limit on how many requests are served at once.
func maxAccepts(t *testing.T) {
	const all = 10
	var together sync.WaitGroup
	together.Add(all)
	s := serve(t, "", &httpsys.Server{
		Options: httpsys.Options{MaxAccepts: 1},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			together.Done()
			together.Wait()
		}),
	})
	var clients []*client
	for range all {
		c := dial(t, s.at())
		io.WriteString(c, get("localhost", "/"))
		clients = append(clients, c)
	}
	for _, c := range clients {
		wantAnswer(t, "one of them", c.answer("GET"), 200, "")
	}
}

// maxConnections: in HTTP/1.1 that is how many requests an app has at once, for which users of HTTP.sys have asked.
func maxConnections(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{MaxConnections: 2}})
	one, two, three := dial(t, s.at()), dial(t, s.at()), dial(t, s.at())
	wantAnswer(t, "the first", one.exchange(get("localhost", "/")), 200, "Hello World")
	wantAnswer(t, "the second", two.exchange(get("localhost", "/")), 200, "Hello World")
	wantAnswer(t, "one more", three.exchange(get("localhost", "/")), 0, "")
	wantAnswer(t, "the first again", one.exchange(get("localhost", "/")), 200, "Hello World")
	one.Close()
	for end := time.Now().Add(limit); dial(t, s.at()).exchange(get("localhost", "/")).status != 200; {
		if time.Now().After(end) {
			t.Fatal("one that has closed leaves no room")
		}
	}
}

func connectionsWithoutLimit(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{MaxConnections: -1}})
	for range 20 {
		wantAnswer(t, "one of them", dial(t, s.at()).exchange(get("localhost", "/")), 200, "Hello World")
	}
}

func maxRequestBodySize(t *testing.T) {
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			fmt.Fprint(w, n)
		}
	})
	announce := func(n int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", n)
	}
	byDefault := serve(t, "", &httpsys.Server{Handler: count})
	wantAnswer(t, "over the default", dial(t, byDefault.at()).exchange(announce(30_000_001)), 413, "")
	c := dial(t, byDefault.at())
	io.WriteString(c, announce(30_000_000))
	wantAnswer(t, "the default", c.exchange(strings.Repeat("x ", 15_000_000)), 200, "30000000")
	unlimited := dial(t, serve(t, "", &httpsys.Server{Handler: count, Options: httpsys.Options{MaxRequestBodySize: -1}}).at())
	io.WriteString(unlimited, announce(30_000_002))
	wantAnswer(t, "no limit", unlimited.exchange(strings.Repeat("x ", 15_000_001)), 200, "30000002")
}

// queueLimit: the broker's TestQueueLimit shows what it does.
func queueLimit(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{RequestQueueLimit: 1001}})
	wantAnswer(t, "a request", dial(t, s.at()).exchange(get("localhost", "/")), 200, "Hello World")
	if got := s.queue(t, "").Limit; got != 1001 {
		t.Errorf("the limit is %d, want 1001", got)
	}
	if got := serve(t, "", &httpsys.Server{}).queue(t, "").Limit; got != 1000 {
		t.Errorf("the default is %d, want 1000", got)
	}
}

// queueName is seen by who asks, as netsh http show servicestate has it.
func queueName(t *testing.T) {
	long := strings.Repeat("ä", 260)
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{RequestQueueName: long}})
	if q := s.queue(t, long); len(q.Workers) != 1 || len(q.Prefixes) != 1 {
		t.Errorf("got %+v", q)
	}
	err := refused(t, s.folder, &httpsys.Server{Options: httpsys.Options{RequestQueueName: long + "ä"}})
	if e, ok := errors.AsType[*httpsys.OptionError](err); !ok || e.Option != "RequestQueueName" {
		t.Errorf("got %v", err)
	}
}

func queueMode(t *testing.T) {
	queue := func(m httpsys.Mode, limit int64) *httpsys.Server {
		return &httpsys.Server{Options: httpsys.Options{RequestQueueName: "q", RequestQueueMode: m, RequestQueueLimit: limit}}
	}
	folder := startBroker(t)
	code := func(m httpsys.Mode) wire.Code {
		e, _ := errors.AsType[*wire.Error](refused(t, folder, queue(m, 0)))
		return e.Code
	}
	if got := code(httpsys.Attach); got != wire.CodeQueueMissing {
		t.Errorf("Attach to none: got %s", got)
	}
	first := serve(t, folder, queue(httpsys.CreateOrAttach, 7))
	if got := code(httpsys.Create); got != wire.CodeQueueExists {
		t.Errorf("Create again: got %s", got)
	}
	if attached := serve(t, folder, queue(httpsys.Attach, 8)); len(attached.addresses) != 0 {
		t.Errorf("who attaches has %v by default", attached.addresses)
	}
	serve(t, folder, queue(httpsys.CreateOrAttach, 9))
	if q := first.queue(t, "q"); q.Limit != 7 || len(q.Workers) != 3 {
		t.Errorf("the queue that was there is now %+v", q)
	}
}

// latin1 is the default, false: fields are UTF-8, and what is not is refused.
func latin1(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Name"))
	})})
	field := "GET / HTTP/1.1\r\nHost: localhost\r\nX-Name: %s\r\n\r\n"
	wantAnswer(t, "UTF-8", dial(t, s.at()).exchange(fmt.Sprintf(field, "café")), 200, "café")
	wantAnswer(t, "Latin-1", dial(t, s.at()).exchange(fmt.Sprintf(field, "caf\xe9")), 400, "")
}

func entityBody(t *testing.T) {
	s := serve(t, "", &httpsys.Server{
		Options: httpsys.Options{Timeouts: httpsys.Timeouts{EntityBody: short}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }),
	})
	got := dial(t, s.at()).exchange("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbegun")
	wantAnswer(t, "a body that does not come", got, http.StatusRequestTimeout, "")
}

func idleConnection(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{Timeouts: httpsys.Timeouts{IdleConnection: short}}})
	c := dial(t, s.at())
	wantAnswer(t, "the first", c.exchange(get("localhost", "/")), 200, "Hello World")
	if !c.isClosed() {
		t.Error("it is kept")
	}
}

// headerWait: the first head of a connection is the broker's to wait for (its TestSlowHeads).
func headerWait(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{Timeouts: httpsys.Timeouts{HeaderWait: short}}})
	c := dial(t, s.at())
	wantAnswer(t, "the first", c.exchange(get("localhost", "/")), 200, "Hello World")
	wantAnswer(t, "a head that does not come", c.exchange("GET / HT"), http.StatusRequestTimeout, "")
}

func urlPrefixes(t *testing.T) {
	first := serve(t, "", &httpsys.Server{})
	if got := first.state(t).Queues[0].Prefixes; len(got) != 1 || got[0].Prefix != first.url("/") {
		t.Errorf("got %v", got)
	}
	list := []string{first.url("/a/"), first.url("/b")}
	s := serve(t, first.folder, &httpsys.Server{Options: httpsys.Options{UrlPrefixes: list}})
	if want := []string{first.url("/a"), first.url("/b")}; !slices.Equal(s.addresses, want) {
		t.Errorf("got %v, want %v", s.addresses, want)
	}
}
