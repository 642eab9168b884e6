package module

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/module/handover"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// Front is a running front: New makes it, Run serves it.
type Front struct {
	o          Options
	now        atomic.Pointer[served]
	offline    atomic.Pointer[page.Offline] // nil: the app is not offline
	online     chan struct{}                // has room for one: the app is online again
	stopping   atomic.Bool
	gate       *handover.Sockets // the public sockets, once they are open; nil where they cannot be handed over
	noGate     error             // why
	life       context.Context   // ends with Kill
	kill       context.CancelFunc
	open       chan struct{} // closed when the sockets are open
	urls       []string      // those of the sockets, once open is closed
	httpsPorts []uint16      // the same
	ended      chan struct{} // closed when Run returns

	serving      context.Context // ends with serve
	asides       sync.WaitGroup  // see lookPaired
	saidUnpaired atomic.Bool
}

// New makes a Front. It does nothing yet.
func New(o Options) *Front {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &Front{o: o, online: make(chan struct{}, 1), open: make(chan struct{}), ended: make(chan struct{})}
	f.life, f.kill = context.WithCancel(context.Background())
	return f
}

// Open is closed when every public address is listened on. It stays open when Run fails before.
func (f *Front) Open() <-chan struct{} { return f.open }

// Ended is closed when Run has returned, or is about to.
func (f *Front) Ended() <-chan struct{} { return f.ended }

// URLs gives the public addresses, with the ports that were really bound; nil before Open is closed.
func (f *Front) URLs() []string {
	select {
	case <-f.open:
		return slices.Clone(f.urls)
	default:
		return nil
	}
}

// Kill has Run, when it stops or is asked to, end everything at once.
func (f *Front) Kill() { f.kill() }

// Run listens on the public addresses and serves the app until ctx is done. Then no new request is taken, the app is asked to
// stop, and running requests may finish within the app's ShutdownTimeLimit. It can be called once.
//
// The error is that of a public address that cannot be listened on, or no longer be served (see servers.Run). That the app
// does not start, or dies, is no error of Run: error pages and events tell it.
func (f *Front) Run(ctx context.Context) error {
	defer close(f.ended)
	defer f.kill()
	options := []servers.Option{
		servers.WithEnvironment(append(slices.Clone(f.o.Environ), "GORUN_SERVER=module")), servers.WithSignals(),
		servers.WithOutput(f.o.Notice), servers.WithLogger(f.o.Log),
		servers.WithLimits(f.o.Limits), servers.WithServer("module", servers.ServerFunc(f.serve)),
	}
	for _, e := range f.o.Endpoints {
		options = append(options, servers.WithEndpoint(e.String(), e))
	}
	return servers.Run(ctx, f.handler(), options...)
}

// serve is the front as a server: it has the sockets for as long as it runs, whoever accepts on them.
func (f *Front) serve(ctx context.Context, site *servers.Site) error {
	listeners, err := site.Listen()
	if err != nil {
		return err
	}
	if f.gate, f.noGate = newGate(listeners); f.gate != nil {
		defer f.gate.Close()
	} else {
		defer closeAll(listeners)
	}
	f.opened(site, listeners)
	watching, unwatch := context.WithCancel(ctx)
	w := f.watch(watching)
	defer func() {
		unwatch()
		<-w.done
	}()
	defer f.whileServing(ctx)()
	r, err := newReign(f, site, listeners)
	if err != nil {
		return err
	}
	return r.run(ctx, w.changes)
}

func closeAll(listeners []servers.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// opened tells that the sockets are open.
func (f *Front) opened(site *servers.Site, listeners []servers.Listener) {
	for _, l := range listeners {
		if url := l.URL(); !slices.Contains(f.urls, url) {
			f.urls = append(f.urls, url)
		}
		if addr, ok := l.Addr().(*net.TCPAddr); ok && l.Endpoint.Scheme == "https" {
			f.httpsPorts = append(f.httpsPorts, uint16(addr.Port))
		}
	}
	site.Listening(f.urls...)
	for _, url := range f.urls {
		f.o.Emit.Tell(event.Event{Kind: event.EndpointReady, Program: f.o.Name, URL: url})
	}
	close(f.open)
}

// moment is how much longer than the app the front takes to stop: what the app has ended with is still to be sent.
const moment = 500 * time.Millisecond
