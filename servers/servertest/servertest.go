// Package servertest is the behaviour that every server must show, written once and run against each: what net/http promises
// to handlers, Kestrel's limits and answers to bad input, the features, the graceful stop.
//
//	func TestServer(t *testing.T) {
//		servertest.Run(t, servertest.For("audited", audited.New()))
//	}
//
// It tests from outside: handlers on one end, bytes on loopback sockets and clients of net/http on the other. It knows no
// server; a Target starts one. What it does not test is speed, memory, and what one server has alone.
//
// Each case has a server of its own, runs in parallel with the others and is bounded in time. Nothing is shared but a
// certificate. When a case has ended, its server has ended too.
package servertest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/limits"
)

// Target is a server to be tested.
type Target struct {
	// Name is what feature.Server.Name must be, and the name of the test.
	Name string
	// Start starts the server and returns when every address is open, or returns why one cannot be: the error has a
	// *servers.AddressError in it. It is called by several goroutines at once, with addresses whose port is 0. Where a
	// server cannot take such an address, Start puts a free one in its place.
	Start func(c Config) (*Running, error)
	// Gateway is for an app behind a front: a request that the app has given up, or cannot finish, before its response begins is
	// answered with 502 or 503 by the front (reference: servers.md, 1.7 and 8.2, D17). Otherwise it gets no answer.
	Gateway bool
	// Without says which cases do not hold for this server, and why. A key is a case's name, or a group's with its slash,
	// such as "h2/". One that names no case fails the test.
	Without map[string]string
}

// Config is what a case wants of a server.
type Config struct {
	Handler         http.Handler       // never nil
	URLs            []string           // at least one, in the syntax of endpoint.Parse
	Protocols       endpoint.Protocols // for all URLs; 0 is the default
	TLS             *tls.Config        // for https: the certificate in it has to be shown, by a front too; never nil
	Limits          limits.Limits      // 0 is the default
	ServerHeader    string             // empty: responses have no Server field
	ShutdownTimeout time.Duration      // how long requests may go on after Stop
	Context         context.Context    // its values are seen by handlers; never nil, never cancelled
	Log             *slog.Logger       // printed when the case fails; never nil
}

// Running is a server that listens.
type Running struct {
	URLs []string     // where clients reach it: the addresses of Config, in their order, with real ports
	Stop func()       // asks for the graceful stop and does not wait. May be called several times
	Done <-chan error // gets what became of the server, once, when all of it has ended
}

// Cases gives the names of all cases, sorted.
func Cases() []string { return slices.Sorted(maps.Keys(cases())) }

// Run runs every case against the server, each as a subtest in parallel. It returns at once: the cases run when the test
// function that called it has returned.
func Run(t *testing.T, target Target) {
	t.Helper()
	all := cases()
	for name := range target.Without {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(c string) bool { return names(name, c) }) {
			t.Errorf("Without names %q, which is no case", name)
		}
	}
	suite := &suite{target, newCertificate(t)}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if reason, without := target.without(name); without {
				t.Skipf("%s is without it: %s", target.Name, reason)
			}
			all[name](suite.env(t))
		})
	}
}

func (t Target) without(name string) (reason string, without bool) {
	for key, reason := range t.Without {
		if names(key, name) {
			return reason, true
		}
	}
	return "", false
}

// names reports whether a key of Without means the case.
func names(key, name string) bool {
	return key == name || strings.HasSuffix(key, "/") && strings.HasPrefix(name, key)
}

// suite is what the cases of a Run share.
type suite struct {
	target      Target
	certificate certificate
}

// group is cases by name.
type group map[string]func(*env)

// cases gives all of them. Those of each protocol exist once for each version of HTTP.
func cases() group {
	all := group{}
	for _, p := range []protocol{http1, http2, http3} {
		for _, g := range []group{
			methodCases(), statusCases(), headerCases(), bodyCases(), bodyLimitCases(), trailerCases(), streamCases(), cancelCases(),
			panicCases(), urlCases(), featureCases(), fileCases(), stopCases(), controlCases(), contextCases(), loadCases(),
		} {
			all.add(string(p)+"/", g, p)
		}
	}
	for _, p := range []protocol{http2, http3} {
		all.add(string(p)+"/", multiplexedCases(), p)
	}
	all.add("h1/", requestLimitCases(), http1)
	all.add("wire/", keepAliveCases(), http1)
	all.add("wire/", framingCases(), http1)
	all.add("wire/", slowCases(), http1)
	all.add("bad/", badCases(), http1)
	all.add("smuggling/", smugglingCases(), http1)
	all.add("upgrade/", upgradeCases(), http1)
	all.add("address/", addressCases(), http1)
	all.add("tls/", tlsCases(), http1)
	all.add("h2/", http2Cases(), http2)
	all.add("h2c/", h2cCases(), h2c)
	all.add("h3/", http3Cases(), http3)
	all.add("h3/", http3LimitCases(), http3)
	all.add("h3/", http3StopCases(), http3)
	return all
}

func (g group) add(prefix string, cases group, p protocol) {
	for name, run := range cases {
		if g[prefix+name] != nil {
			panic("two cases are called " + prefix + name)
		}
		g[prefix+name] = func(e *env) {
			e.protocol = p
			run(e)
		}
	}
}
