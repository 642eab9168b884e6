//go:build linux || darwin

package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// Broker owns the ports of one user.
//
// Its goroutines: Run's own has the state and nobody else touches it; one accepts members; each listening has one, each
// member one or two; heads has one; what ends TLS has its own. All end when ctx is done, and Run waits for them.
type Broker struct {
	options Options
	log     *slog.Logger
	pid     int
	since   time.Time
	ctx     context.Context // done when the broker ends
	stop    context.CancelFunc

	// Seen by all.
	routes  atomic.Pointer[routes]
	version atomic.Uint64 // of the tables
	heads   *heads
	counts  counts
	ops     chan func() // for the goroutine that owns the state
	lines   chan struct{}
	serving sync.WaitGroup // every goroutine but Run's
	ending  ending         // what ends TLS

	state
}

// state is what Run's goroutine owns.
type state struct {
	members    map[*member]struct{}
	registered map[string]*registration // by Prefix.Key
	weight     int                      // of all prefixes of all members
	queues     map[string]*queue
	all        map[*queue]struct{}
	listeners  map[netip.AddrPort]*listening
	barriers   []*barrier
}

// counts are how many were refused, since the start.
type counts struct{ noPath, noHost, malformed, queue, slow atomic.Uint64 }

func (c *counts) count(a answer) {
	switch {
	case a.status == http.StatusServiceUnavailable:
		c.queue.Add(1)
	case a.status == http.StatusNotFound:
		c.noPath.Add(1)
	case a.title == noHost.title:
		c.noHost.Add(1)
	default:
		c.malformed.Add(1)
	}
}

// Run is a broker: it returns nil when ctx is done, when it was told to stop, and when nobody has used it for Options.Linger.
// ready is called when programs can connect; it may be nil. The errors are wire.ErrRunning when the folder has a broker,
// *wire.FolderError, and the system's.
func Run(ctx context.Context, o Options, ready func()) error {
	listener, err := wire.Listen(o.Folder)
	if err != nil {
		return err
	}
	poller, err := newPoller()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	b := newBroker(ctx, o, poller)
	defer b.stop()
	listener.Refused = b.strangers()
	b.serving.Go(b.heads.run)
	b.serving.Go(func() { b.welcome(listener) })
	if ready != nil {
		ready()
	}
	b.loop()
	err = listener.Close()
	b.stop()
	b.end()
	return err
}

func newBroker(ctx context.Context, o Options, p *poller) *Broker {
	b := &Broker{options: o.withDefaults(), pid: os.Getpid(), since: time.Now(), ops: make(chan func()), lines: make(chan struct{}, 1),
		state: state{members: map[*member]struct{}{}, registered: map[string]*registration{}, queues: map[string]*queue{},
			all: map[*queue]struct{}{}, listeners: map[netip.AddrPort]*listening{}}}
	b.log = b.options.Log
	b.ctx, b.stop = context.WithCancel(ctx)
	b.heads = &heads{broker: b, poller: p, wait: b.options.HeadWait, most: b.options.MaxHeads, byFD: map[int]*visit{}}
	if b.heads.most <= 0 {
		b.heads.most = mostHeads()
	}
	b.routes.Store(newRoutes(nil, nil))
	return b
}

// mostHeads leaves half of the descriptors to queues, listeners and members.
func mostHeads() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 128
	}
	return int(max(min(uint64(limit.Cur), 1<<20)/2, 16))
}

// strangers logs who is refused at the door, each kind of thing once.
func (b *Broker) strangers() func(error) {
	var said sync.Map
	return func(err error) {
		kind := err.Error()
		if p, ok := errors.AsType[*wire.PeerError](err); ok {
			kind = "user " + strconv.Itoa(p.Peer.UID)
		}
		if _, again := said.LoadOrStore(kind, true); !again {
			b.log.Warn("HTTP.sys: a program cannot connect", "error", err)
		}
	}
}

// welcome accepts members until the listener is closed.
func (b *Broker) welcome(l *wire.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				b.log.Error("HTTP.sys: no program can connect any more", "error", err)
				b.stop()
			}
			return
		}
		m := &member{broker: b, conn: conn}
		b.serving.Go(m.serve)
	}
}

// loop has the state until the broker is to end.
func (b *Broker) loop() {
	unused := time.NewTimer(b.options.Linger)
	defer unused.Stop()
	tidy := time.NewTimer(time.Hour)
	defer tidy.Stop()
	for {
		select {
		case f := <-b.ops:
			f()
			if len(b.members) > 0 {
				unused.Stop()
			} else {
				unused.Reset(b.options.Linger)
			}
		case <-b.lines:
			tidy.Reset(tidyEvery)
		case now := <-tidy.C:
			if b.tidyAll(now) {
				tidy.Reset(tidyEvery)
			} else if len(b.all) > 0 {
				tidy.Reset(tidyRarely)
			}
		case <-unused.C:
			if !b.options.Persistent && len(b.members) == 0 {
				return
			}
		case <-b.ctx.Done():
			return
		}
	}
}

// tidyEvery is how exactly Open.QueueTimeout is kept, and tidyRarely how soon a worker is found that takes nothing.
const (
	tidyEvery  = 100 * time.Millisecond
	tidyRarely = 5 * time.Second
)

func (b *Broker) tidyAll(now time.Time) (wait bool) {
	for q := range b.all {
		if b.tidy(q, now) {
			wait = true
		}
	}
	return wait
}

// hasLine says that somebody waits in a queue, or that there is a new one.
func (b *Broker) hasLine() {
	select {
	case b.lines <- struct{}{}:
	default:
	}
}

// errEnding is for those who want something of a broker that ends.
var errEnding = &wire.Error{Code: wire.CodeStopping, Message: "the broker ends", Advice: "start it again: gorun httpsys start"}

// do has the goroutine that owns the state call f, and waits for it. The error is errEnding.
func (b *Broker) do(f func()) error {
	done := make(chan struct{})
	select {
	case b.ops <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-b.ctx.Done():
		return errEnding
	}
}

// end closes all, after loop and stop.
func (b *Broker) end() {
	for _, l := range b.listeners {
		l.close()
	}
	for _, bar := range b.barriers {
		bar.timer.Stop()
	}
	b.heads.close()
	b.serving.Wait()
	for q := range b.all {
		for _, v := range q.empty() {
			v.end()
		}
	}
}

// cut ends a member's connection, which its goroutine notices. It does not wait, so that all may call it. What the process has said
// before that still counts: a connection that it has taken must not be given to another as well.
func (b *Broker) cut(m *member) { m.conn.HangUp() }
