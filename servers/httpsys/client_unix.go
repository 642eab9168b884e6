//go:build unix

package httpsys

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/cache"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// client is a Server at work. Its goroutine is that of Serve, which keeps a session with the broker; others are those of the
// session, of the kestrel.Server and of the relay. stop ends all of them.
type client struct {
	server  *Server
	log     *slog.Logger
	folder  string
	handler http.Handler // the app's, behind the cache
	kestrel *kestrel.Server
	relay   *relay.Relay

	session atomic.Pointer[session] // nil: there is no broker at the moment
	routes  atomic.Pointer[routes]
	tls     atomic.Pointer[choices]

	mu         sync.Mutex
	registered []registration // with the ports that were really taken
	whole      bool           // the broker has registered all of them
	table      wire.Table     // the last one, maybe of a broker that is lost; Version 0: none has come

	toldUnusable time.Time // when it was last logged that connections cannot be used
}

func (s *Server) serve(ctx context.Context, list []registration, listening func([]string)) error {
	if s.Options.ClientCertificateMethod == AllowRenegotiation {
		return &OptionError{"ClientCertificateMethod", "AllowRenegotiation is possible on Windows alone", "choose AllowCertificate, and have the handshake ask for the certificate"}
	}
	c, err := newClient(s, list)
	if err != nil {
		return err
	}
	session, err := c.start(ctx)
	switch {
	case err != nil && ctx.Err() != nil: // what it was asked to end has failed for that
		return c.stop()
	case err != nil:
		return errors.Join(err, c.stop())
	}
	if listening != nil {
		listening(c.addresses())
	}
	c.keep(ctx, session)
	return c.stop()
}

func newClient(s *Server, list []registration) (*client, error) {
	folder, err := wire.Folder(s.getenv)
	if err != nil {
		return nil, err
	}
	c := &client{server: s, log: s.log(), folder: folder, handler: s.Handler, registered: slices.Clone(list)}
	if c.handler == nil {
		c.handler = http.DefaultServeMux
	}
	if s.Options.CachesResponses() {
		c.handler = new(cache.Cache).Handler(c.handler)
	}
	c.relay = relay.New(relay.Options{Plain: true, MaxIdle: -1, Dial: c.dial})
	c.kestrel = &kestrel.Server{
		Handler: c, Limits: s.effectiveLimits(), ServerHeader: s.ServerHeader, Log: s.Log, Meter: s.Meter,
		Middleware: s.Middleware, BaseContext: c.base, ConnContext: c.connContext, Elsewhere: c.isElsewhere, HandBack: c.handBack, HandBackIdle: true,
		Overflow: c.overflow,
	}
	c.refresh()
	return c, nil
}

// base has Delegate find the client.
func (c *client) base() context.Context {
	return context.WithValue(c.server.base(), delegatorKey{}, delegator(c))
}

// connect makes a session in which everything is registered. again says that it was before.
func (c *client) connect(ctx context.Context, again bool) (*session, error) {
	s, err := talk(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerWait, errSilent)
	defer cancel()
	c.session.Store(s) // of the connections that it is sent from now on, some may go back
	if err := c.register(ctx, s, again); err != nil {
		c.drain(context.WithoutCancel(ctx), s) // so that nothing is registered any more when this returns
		c.session.Store(nil)
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (c *client) list() []registration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.registered)
}

func (c *client) addresses() []string {
	var all []string
	for _, r := range c.list() {
		all = append(all, r.address())
	}
	return all
}

// learn goes by the broker's table from now on.
func (c *client) learn(t wire.Table) {
	c.mu.Lock()
	c.table = t
	c.mu.Unlock()
	c.refresh()
}

// refresh makes the routes of what is known. As long as not all that is registered is in the broker's table the rest counts as well:
// after a broker was lost nothing that was served before is another's because the next one does not have it yet.
func (c *client) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []entry
	for _, e := range c.table.Entries {
		if prefix, err := urlprefix.Parse(e.Prefix); err == nil {
			entries = append(entries, entry{prefix, e.Mine})
		}
	}
	if !c.whole || c.table.Version == 0 {
		for _, r := range c.registered {
			entries = append(entries, entry{r.prefix, true}) // of two that are the same the table's counts
		}
	}
	c.routes.Store(newRoutes(entries, c.handler))
	c.tls.Store(newChoices(c.registered, c.table.Certificates, c.log))
}

// stop lets running requests finish for a while, then cuts them off. When nobody is served here any more the session may end.
func (c *client) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.shutdownTimeout())
	defer cancel()
	s := c.session.Load()
	if s != nil {
		c.drain(ctx, s)
	}
	err := c.kestrel.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(&CutOffError{c.server.shutdownTimeout()}, c.kestrel.Close())
	}
	c.session.Store(nil)
	if s != nil {
		_ = s.close() // the broker may have gone first
	}
	return errors.Join(err, c.relay.Close())
}

// drain does not wait long for a broker that does not answer.
func (c *client) drain(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.drain(ctx); err != nil && !errors.Is(err, errLost) {
		c.log.Warn("the broker has not said that no connection comes any more", slog.Any("error", err))
	}
}

// programName is what the broker calls this process.
func programName() string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return filepath.Base(path)
}

const module = "github.com/gorun-dev/gorun"

// moduleVersion is that of the module which this package is in.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return ""
}
