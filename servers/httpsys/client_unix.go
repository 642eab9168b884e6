//go:build unix

package httpsys

import (
	"cmp"
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
	table      wire.Table     // the last one; Version 0: none has come
}

func (s *Server) serve(ctx context.Context, list []registration, listening func([]string)) error {
	if s.Options.ClientCertificateMethod == AllowRenegotiation {
		return &OptionError{"ClientCertificateMethod", "AllowRenegotiation is possible on Windows alone", "choose AllowCertificate, and have the handshake ask for the certificate"}
	}
	c, err := newClient(s, list)
	if err != nil {
		return err
	}
	session, err := c.connect(ctx, false)
	if err != nil {
		return errors.Join(err, c.stop())
	}
	c.session.Store(session)
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
		Middleware: s.Middleware, BaseContext: c.base, Elsewhere: c.isElsewhere, HandBack: c.handBack, HandBackIdle: true,
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
	if err := c.register(ctx, s, again); err != nil {
		c.drain(ctx, s) // so that nothing is registered any more when this returns
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// register opens the queue and adds the prefixes, each by itself so that all that are wrong can be told.
func (c *client) register(ctx context.Context, s *session, again bool) error {
	o := c.server.Options
	mode := o.RequestQueueMode
	if again && o.RequestQueueName != "" { // whoever is back first makes it
		mode = CreateOrAttach
	}
	open := wire.Open{
		Queue: o.RequestQueueName, Mode: wire.Mode(mode.String()), Limit: int(min(o.QueueLimit(), 1<<30)),
		Verbosity:    wire.Verbosity(o.Http503Verbosity.String()),
		QueueTimeout: int64(cmp.Or(o.Timeouts.RequestQueue, DefaultTimeout) / time.Millisecond), MaxConnections: o.MaxConnections,
	}
	if err := s.ask(ctx, wire.KindOpen, open, nil); err != nil {
		return err
	}
	var errs []error
	for i, r := range c.list() {
		prefix, err := add(ctx, s, r.prefix)
		if err != nil {
			errs = append(errs, &RegistrationError{URL: r.URL, Source: r.Source, Err: err})
			continue
		}
		c.mu.Lock()
		c.registered[i].prefix = prefix
		c.mu.Unlock()
		c.refresh()
	}
	return errors.Join(errs...)
}

// add registers one prefix and gives it as it is now.
func add(ctx context.Context, s *session, p urlprefix.Prefix) (urlprefix.Prefix, error) {
	var added wire.Added
	if err := s.ask(ctx, wire.KindAdd, wire.Add{Prefixes: []string{p.String()}}, &added); err != nil {
		return p, asReason(err)
	}
	if len(added.Prefixes) != 1 {
		return p, &wire.ProtocolError{Reason: "it registers another number of prefixes than it was asked for"}
	}
	return urlprefix.Parse(added.Prefixes[0])
}

// refusal is what a broker says, which errors.Is finds by what it means.
type refusal struct {
	said *wire.Error
	is   error
}

func (e *refusal) Error() string        { return e.said.Error() }
func (e *refusal) Hint() string         { return e.said.Hint() }
func (e *refusal) Is(target error) bool { return target == e.is }
func (e *refusal) Unwrap() error        { return e.said }

func asReason(err error) error {
	said, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return err
	}
	reasons := map[wire.Code]error{wire.CodeExists: ErrExists, wire.CodeReserved: ErrReserved, wire.CodePort: ErrPort}
	return &refusal{said, reasons[said.Code]}
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

// refresh makes the routes of what is known.
func (c *client) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []entry
	fresh := c.table.Version != 0 // else it is that of a broker that is lost, or none
	for _, e := range c.table.Entries {
		if prefix, err := urlprefix.Parse(e.Prefix); err == nil && (fresh || !e.Mine) {
			entries = append(entries, entry{prefix, e.Mine})
		}
	}
	if !fresh {
		for _, r := range c.registered {
			if r.prefix.Port != 0 {
				entries = append(entries, entry{r.prefix, true})
			}
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
