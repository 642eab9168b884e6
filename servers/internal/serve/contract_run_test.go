package serve_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// The contract tests hold the server to what net/http gives to handlers and their clients. Each promise is kept once by a
// bare http.Server and once by ours, on loopback; then what came over the wire, whether the connection stays open, what the
// handler noted and what was logged must be equal to the byte. Where ours means to differ, the table meant says how and why.
//
// They use the exported API alone, so that they judge any engine behind it.

// handler is what a promise is about. It may call note, and open or await gates, to keep step with its client.
type handler func(n *notes, w http.ResponseWriter, r *http.Request)

// promise is one case. Names are unique.
type promise struct {
	name    string
	request string        // sent at once; then an answer is read. "" when play is set
	play    func(p *peer) // what else the client does; nil for the above
	handler handler
	calls   int            // how often handler is called; 0 is once, negative never
	after   func(n *notes) // called when the handlers have returned and the client is done
	has     []string       // what must be in net/http's outcome, so that a case is about what its name says
}

// contract is all of them.
func contract() []promise {
	var all []promise
	for _, part := range [][]promise{
		bodySizes(), lengths(), statuses(), headers(), sniffing(), closings(), trailers(),
		requestFields(), requestLines(), requestBodies(), unreadBodies(), brokenBodies(), bodyLimits(), forms(),
		continues(), copies(), panics(), lateWrites(), hijacks(), hijackRules(), controls(), duplexes(), contexts(), pipelines(),
		muxes(), wrappers(), fileServing(), proxies(),
	} {
		all = append(all, part...)
	}
	return all
}

func TestContract(t *testing.T) {
	t.Parallel()
	differences := meant()
	seen := map[string]bool{}
	for _, p := range contract() {
		if seen[p.name] {
			t.Errorf("two promises are named %q", p.name)
		}
		seen[p.name] = true
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d, isMeant := differences[p.name]
			compare(t, p, d, isMeant)
		})
	}
	for name := range differences {
		if !seen[name] {
			t.Errorf("a difference is meant of %q, which is no promise", name)
		}
	}
}

func compare(t *testing.T, p promise, d difference, isMeant bool) {
	standard := keep(t, bare, p)
	for _, part := range p.has {
		if !strings.Contains(standard.String(), part) {
			t.Errorf("net/http's outcome is without %q:\n%s", part, standard)
		}
	}
	if d.calls != 0 {
		p.calls = d.calls
	}
	ours := keep(t, own, p).String()
	switch {
	case !isMeant:
		if diff := cmp.Diff(standard.String(), ours); diff != "" {
			t.Errorf("not as net/http does (- net/http, + ours):\n%s", diff)
		}
	case ours == standard.String():
		if d.races {
			return
		}
		t.Errorf("no different from net/http any more; it was: %s", d.reason)
	default:
		if diff := cmp.Diff(d.apply(t, standard.String()), ours); diff != "" {
			t.Errorf("not as it is meant, for %s (- meant, + ours):\n%s", d.reason, diff)
		}
	}
}

// engine serves h on l until it is stopped.
type engine func(h http.Handler, l net.Listener, log *errorLog) (stop func() error)

func bare(h http.Handler, l net.Listener, log *errorLog) func() error {
	s := &http.Server{Handler: h, ErrorLog: log.standard()}
	go s.Serve(l)
	return s.Close
}

func own(h http.Handler, l net.Listener, log *errorLog) func() error {
	s := &serve.Server{Handler: h, Log: log.structured()}
	go s.Serve(l, serve.Binding{})
	return s.Close
}

// keep lets one engine keep a promise.
func keep(t *testing.T, serve engine, p promise) outcome {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, log := newNotes(t), new(errorLog)
	stop := serve(n.counting(p.handler), l, log)
	defer stop()
	c := dialPeer(t, l.Addr(), n)
	if p.play != nil {
		p.play(c)
	} else {
		c.ask(p.request)
	}
	end := c.finish()
	n.returned(max(p.calls, 0) + btoi(p.calls == 0))
	if p.after != nil {
		p.after(n)
	}
	return outcome{neutral(c.wire.String()), end, n.lines(), log.lines()}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// outcome is what can be seen of a kept promise.
type outcome struct {
	wire  string // all that the client got
	end   string
	notes []string
	log   []string
}

// String has a line for each line on the wire, with its end when that is not CRLF.
func (o outcome) String() string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(o.wire, "\n") {
		if text, ok := strings.CutSuffix(line, "\r\n"); ok {
			fmt.Fprintln(&b, ">", text)
		} else if line != "" {
			fmt.Fprintf(&b, "> %q\n", shortened(line))
		}
	}
	fmt.Fprintln(&b, "end", o.end)
	for _, n := range o.notes {
		fmt.Fprintln(&b, "note", n)
	}
	for _, l := range o.log {
		fmt.Fprintln(&b, "log", l)
	}
	return b.String()
}

// TestContractCanFail shows that each part of an outcome counts.
func TestContractCanFail(t *testing.T) {
	t.Parallel()
	hello := func(n *notes, w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }
	base := keep(t, bare, promise{request: request("GET"), handler: hello}).String()
	for name, other := range map[string]handler{
		"body":       func(n *notes, w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hellO") },
		"header":     func(n *notes, w http.ResponseWriter, r *http.Request) { w.Header().Set("A", "b"); hello(n, w, r) },
		"connection": func(n *notes, w http.ResponseWriter, r *http.Request) { hello(n, w, r); panic(http.ErrAbortHandler) },
		"note":       func(n *notes, w http.ResponseWriter, r *http.Request) { hello(n, w, r); n.note("more") },
		"log":        func(n *notes, w http.ResponseWriter, r *http.Request) { hello(n, w, r); w.WriteHeader(500) },
	} {
		if keep(t, own, promise{request: request("GET"), handler: other}).String() == base {
			t.Errorf("a different %s goes unseen", name)
		}
	}
	if got := keep(t, own, promise{request: request("GET"), handler: hello}).String(); got != base {
		t.Errorf("got\n%s\nwant\n%s", got, base)
	}
}
