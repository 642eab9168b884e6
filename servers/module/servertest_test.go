//go:build unix

package module

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/servertest"
)

// What a front cannot give, by the reference (servers.md).
const (
	isHTTP11    = "the app is reached by HTTP/1.1 (1.6)"
	tlsIsHidden = "that a client has come by TLS is told to the app, and not which (1.6)"
	isPrivate   = "the app listens on a private address, and its connections are the front's (1.4)"
	limitIsIts  = "the front's limit on the body counts, and the app's is lifted (1.8)"
	rateIsIts   = "the front's data rate counts, whatever the app's handler allows"
	noDate      = "the app's Date is dropped (1.6)"
	hasNoHijack = "what a handler writes on a connection that it has taken over is no HTTP, unless the client has asked for a WebSocket (1.6)"
	addsFields  = "the fields that the front adds count for the app, too, which has the same limit (1.6)"
	tcpIsKept   = "the front keeps the port by its TCP socket as long as it runs, whoever answers on it"
)

// TestServertestOutOfProcess has a front, with an app behind it, behave as every server does. The app is there before its first
// request, so that all plain requests go the fast way.
func TestServertestOutOfProcess(t *testing.T) {
	conform(t, "out-of-process", behind{hosting: OutOfProcess, preload: true, level: slog.LevelInfo}, outOfProcess())
}

// TestServertestCompleteWay has what goes the fast way go the complete one, as it does where each request is logged, and the
// first one start the app.
func TestServertestCompleteWay(t *testing.T) {
	without := outOfProcess()
	for _, other := range []string{"h2/", "h2c/", "h3/"} {
		maps.DeleteFunc(without, func(name, _ string) bool { return strings.HasPrefix(name, other) })
		without[other] = "it never goes the fast way"
	}
	conform(t, "out-of-process by the complete way", behind{hosting: OutOfProcess, level: slog.LevelDebug}, without)
}

// TestServertestInProcess has an app behave as every server does that gets its sockets from a front.
func TestServertestInProcess(t *testing.T) {
	conform(t, "in-process", behind{hosting: InProcess, level: slog.LevelDebug}, map[string]string{"h3/alone": tcpIsKept})
}

// outOfProcess is the cases that do not hold, with the reasons.
func outOfProcess() map[string]string {
	without := map[string]string{
		"address/several-told": isPrivate,
		"address/unix-feature": isPrivate,
		"h2c/address":          isPrivate,

		"h1/limit/header-count-default": addsFields,
		"h1/limit/header-size-default":  addsFields,

		"h2/address/proto":         isHTTP11,
		"h3/address/proto":         isHTTP11,
		"h2/upgrade/never":         isHTTP11 + ", of which a handler can take a connection over",
		"h3/upgrade/never":         isHTTP11 + ", of which a handler can take a connection over",
		"h2/stream/expect-refused": "HTTP/2 is net/http's, which takes Expect away, so that the front asks for the body",

		"h3/alone":             tcpIsKept,
		"h3/slow-body-allowed": rateIsIts,

		"tls/told-1.2":        tlsIsHidden,
		"tls/told-1.2-h2":     tlsIsHidden,
		"tls/told-1.3":        tlsIsHidden,
		"tls/told-alpn-http1": tlsIsHidden,
		"h3/tls/version":      tlsIsHidden,

		"upgrade/hijack-after-write-fails-cleanly": hasNoHijack,
		"upgrade/limit-told":                       "the limit is the front's, and the app knows nothing of it",
		"upgrade/outlives-the-stop":                "the front carries the bytes of both, and ends",

		"wire/abort-closes":                "the front answers with 502.3 (8.2, D17)",
		"wire/connection-close-by-handler": "the app's Connection is dropped (1.6, Q10)",
		"wire/half-close":                  "a client that has ended its stream counts as gone, and the request is ended (1.7)",
		"wire/http10-told":                 isHTTP11,
		"wire/http10-trailers":             isHTTP11 + ", and the front drops trailers for who cannot have them",
		"wire/slow-body-allowed":           rateIsIts,
	}
	for _, p := range []string{"h1/", "h2/", "h3/"} {
		for name, reason := range map[string]string{
			"address/local": isPrivate, "feature/addresses": isPrivate, "feature/local-and-remote": isPrivate,
			"feature/connection-id-differs": isPrivate,
			"body/limit-raised":             limitIsIts, "body/limit-lifted": limitIsIts, "body/limit-told": limitIsIts,
			"body/limit-is-for-one-request": limitIsIts,
			"header/date-of-handler":        noDate,
		} {
			without[p+name] = reason
		}
	}
	return without
}

// behind says how the cases go through a front.
type behind struct {
	hosting Hosting
	preload bool
	level   slog.Level // of what is told; the front logs each request at slog.LevelDebug
}

func conform(t *testing.T, name string, b behind, without map[string]string) {
	program := filepath.Join(t.TempDir(), "placeholder")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/placeholder").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	servertest.Run(t, servertest.Target{
		Name: "module", Gateway: b.hosting == OutOfProcess, Without: without,
		Start: func(c servertest.Config) (*servertest.Running, error) {
			c.Log = slog.New(from{b.level, c.Log.Handler()})
			return b.start(c, program)
		},
	})
	all := servertest.Cases()
	left := slices.DeleteFunc(slices.Clone(all), func(c string) bool {
		group, _, _ := strings.Cut(c, "/")
		return without[c] != "" || without[group+"/"] != ""
	})
	fmt.Printf("count: servertest behind the front, %s: %d cases, %d without, with a reason\n", name, len(left), len(all)-len(left))
}

// from drops what is told below a level.
type from struct {
	level slog.Level
	slog.Handler
}

func (h from) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// start starts a front with the app of c behind it.
func (b behind) start(c servertest.Config, program string) (*servertest.Running, error) {
	root, err := os.MkdirTemp("", "gorun-test-")
	if err != nil {
		return nil, err
	}
	apps := &insiders{first: make(chan struct{})}
	var front *Front
	o := Options{Name: "insider", Root: root, Limits: c.Limits, Log: c.Log, App: App{Hosting: b.hosting, Path: "/"}}
	if o.Endpoints, err = endpoints(c); err != nil {
		return nil, errors.Join(err, os.Remove(root))
	}
	o.Emit = func(e event.Event) {
		apps.hear(e)
		for _, d := range e.Diagnostics {
			c.Log.Warn(d.Message, "event", e.Kind)
		}
	}
	// A client of HTTP/3 comes by UDP, and cannot have an app started that is to answer it itself.
	o.Preload = b.preload || b.hosting == InProcess && c.Protocols.Has(endpoint.HTTP3)
	programs := &o.App.Backend
	programs.StartupTimeLimit, programs.ShutdownTimeLimit, programs.RapidFailsPerMinute = patience, c.ShutdownTimeout, -1
	programs.Command = func(context.Context) (process.Spec, error) {
		return process.Spec{Path: program, Dir: root, Env: []string{"GORUN_SERVER=module"}}, nil
	}
	programs.Start = func(spec process.Spec) (*process.Tree, error) { return apps.start(c, b.hosting, front.URLs(), spec) }
	front = New(o)
	return serving(front, apps)
}

// endpoints are those of the front.
func endpoints(c servertest.Config) (list []servers.Endpoint, err error) {
	for _, url := range c.URLs {
		e, err := endpoint.Parse(url)
		if err != nil {
			return nil, &servers.AddressError{URL: url, Err: err}
		}
		own := servers.Endpoint{Endpoint: e, Protocols: c.Protocols}
		if e.Scheme == "https" {
			own.TLS = c.TLS
		}
		list = append(list, own)
	}
	return list, nil
}

// serving runs a front.
func serving(front *Front, apps *insiders) (*servertest.Running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		defer os.RemoveAll(front.o.Root)
		err := front.Run(ctx)
		done <- errors.Join(err, apps.wait())
	}()
	stop := func() {
		apps.settle()
		cancel()
	}
	open := front.Open()
	if front.o.Preload {
		open = apps.first
	}
	select {
	case <-open:
		return &servertest.Running{URLs: front.URLs(), Stop: stop, Done: done}, nil
	case err := <-done:
		cancel()
		return nil, err
	case <-time.After(patience):
		cancel()
		return nil, errors.New("the front does not listen")
	}
}
