package module

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// served is the app as it is now. A request sees one served from its beginning to its end. Its App is not changed.
type served struct {
	App
	front   *Front
	pool    *backend.Pool // shared by those that follow one another with the same hosting model
	relay   *relay.Relay
	tracing bool        // each request is logged
	failed  atomic.Bool // its last start did, and nothing has changed since

	mu     sync.Mutex
	tokens []string // of the latest processes, which no page may show
}

// first makes a served with processes of its own. The error says that in-process hosting is not possible here.
func (f *Front) first(app App) (*served, error) {
	if app.Hosting == InProcess && f.gate == nil {
		return nil, f.noGate
	}
	s := f.newServed(app)
	s.pool = backend.New(s.processes())
	return s, nil
}

// next makes the served after s, with the same hosting model: requests from now on go to new processes, the old ones finish
// theirs.
func (s *served) next(app App) *served {
	n := s.front.newServed(app)
	n.pool = s.pool
	n.pool.Recycle(n.processes())
	return n
}

func (f *Front) newServed(app App) *served {
	f.o.Log.Info("the application is served", "program", f.o.Name, "hosting", app.Hosting, "path", app.Path, "root", f.o.Root)
	return &served{App: app, front: f, tracing: f.isTracing(), relay: relay.New(relay.Options{Timeout: app.RequestTimeout, ForwardConnection: app.ForwardConnection})}
}

// processes says what the pool starts.
func (s *served) processes() backend.Options {
	o := s.Backend
	o.Name, o.Emit, o.Logger = s.front.o.Name, s.front.o.Emit, s.front.o.Log
	if s.Hosting == InProcess {
		o.Processes, o.Attempts = 1, 1
		o.Host = func(int) backend.Hosting { return &inProcess{s.front.gate.Hosting(), s} }
		return o
	}
	o.Attempts = 2
	pairing := s.Pairing
	pairing.Path, pairing.Directory, pairing.WebSockets, pairing.HTTPSPorts = s.Path, s.front.o.Root, true, s.front.httpsPorts
	o.Host = func(int) backend.Hosting {
		return &upstream{OutOfProcess: backend.NewOutOfProcess(pairing), served: s}
	}
	return o
}

// stop ends everything of s; the end of ctx kills it. It returns when nothing is left.
func (s *served) stop(ctx context.Context) error {
	return errors.Join(s.pool.Stop(ctx), s.relay.Close())
}

// upstream is the hosting of a process that requests are passed on to.
type upstream struct {
	*backend.OutOfProcess
	served *served
	target relay.Target // once it is ready
	route  *relay.Route // the same, for the fast way
	looked atomic.Bool  // see Front.lookPaired
}

// Prepare is backend.Hosting's.
func (u *upstream) Prepare(spec *process.Spec) error {
	err := u.OutOfProcess.Prepare(spec)
	u.served.hide(u.Token())
	return err
}

// hide keeps a token off the pages. A process that is not among the latest has no page to come.
func (s *served) hide(token string) {
	const latest = 256 // more than there can be processes and attempts at once
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, token)
	if len(s.tokens) > latest {
		s.tokens = slices.Clone(s.tokens[latest/2:])
	}
}

// secrets are what no page may show.
func (s *served) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.Secrets, s.tokens)
}

// Ready is backend.Hosting's.
func (u *upstream) Ready(ctx context.Context, tree *process.Tree) error {
	if err := u.OutOfProcess.Ready(ctx, tree); err != nil {
		return err
	}
	u.target = relay.Target{Network: "tcp", Address: u.Addr().String(), Token: u.Token()}
	u.route = u.served.relay.Route(u.target)
	return nil
}

// Close lets go of the connections to a process that has ended.
func (u *upstream) Close() error {
	u.served.relay.Forget(u.target)
	return u.OutOfProcess.Close()
}

// isBelow reports whether the app answers for a path: everything in the root, and what is below its own path elsewhere.
func (s *served) isBelow(r *http.Request) bool {
	n := len(s.Path)
	path := r.URL.Path
	return n <= 1 || len(path) >= n && strings.EqualFold(path[:n], s.Path) && (len(path) == n || path[n] == '/')
}
