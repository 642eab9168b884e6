package host

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// systemShares says that the system itself has ports shared, so that there is no broker.
const systemShares = runtime.GOOS == "windows"

// A sponsor whose broker is gone tries to have another one at once, and after a failure with pauses up to the last. Several do so
// at the same time: the first pause is left to chance, so that not all of them start one.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
)

// sponsor has a broker running for as long as the program may want one, and knows what is registered with it. It is one
// goroutine, which has ended when stop returns. A nil *sponsor is that of a program that shares no ports.
type sponsor struct {
	host     *host
	launcher *broker.Launcher
	state    atomic.Pointer[broker.State] // nil while there is no broker
	changed  chan struct{}                // has room for one: there is another state

	cancel context.CancelFunc
	done   chan struct{}
}

// sponsored starts a sponsor for a program that shares its ports by a broker, and returns when that answers.
func (h *host) sponsored(ctx context.Context) (*sponsor, error) {
	if !h.plan.SharesPorts() || systemShares {
		return nil, nil
	}
	folder, err := broker.Folder(lookup(h.plan.Environ()))
	if err != nil {
		return nil, err
	}
	s := &sponsor{host: h, launcher: &broker.Launcher{Folder: folder}, changed: make(chan struct{}, 1), done: make(chan struct{})}
	if h.Broker != nil {
		s.launcher = h.Broker(folder)
	}
	s.launcher.Program = "gorun " + h.name
	running, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the program may want it until its own end
	s.cancel = cancel
	err = h.unlessInterrupted(ctx, func(ctx context.Context) error {
		client, err := s.launcher.Ensure(ctx)
		if err != nil {
			close(s.done)
			s.launcher.Close()
			return err
		}
		go s.run(running, client)
		select {
		case <-s.changed: // the first state
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil {
		s.stop()
		return nil, err
	}
	h.warnKept(s.launcher.Environ)
	return s, nil
}

// warnKept tells of what is kept for the broker and cannot be used: the broker says it only to its log. environ is the broker's.
func (h *host) warnKept(environ []string) {
	store, err := broker.OpenStore(broker.StoreOptions{Getenv: lookup(environ)})
	if wrong, ok := errors.AsType[*broker.StoreError](err); ok { // the first is enough
		h.warn(diagnostic.Diagnostic{Code: "httpsys-settings", Suggestion: wrong.Hint(),
			Message: "certificates and reservations do not count: " + wrong.Error()})
	}
	if err != nil {
		return
	}
	for _, u := range store.Unusable() {
		uses := func(e profiles.Endpoint) bool { return e.Scheme == "https" && e.Port == u.Port }
		if slices.ContainsFunc(h.plan.Endpoints, uses) {
			h.warn(diagnostic.Diagnostic{Code: "sslcert", Suggestion: u.Err.Hint(),
				Message: "a certificate cannot be used, and clients may get another one: " + u.Err.Error()})
		}
	}
}

// stop lets go of the broker.
func (s *sponsor) stop() {
	if s == nil {
		return
	}
	s.cancel()
	<-s.done
}

func (s *sponsor) run(ctx context.Context, client *broker.Client) {
	defer close(s.done)
	defer s.launcher.Close()
	for client != nil {
		s.follow(ctx, client)
		_ = client.Close() // it is of no use any more
		s.know(nil)
		client = s.again(ctx)
	}
}

// follow hears of each state until the broker has ended, or ctx has.
func (s *sponsor) follow(ctx context.Context, client *broker.Client) {
	for state, err := client.Watch(ctx, nil); err == nil; state, err = client.Watch(ctx, state) {
		s.know(state)
	}
}

func (s *sponsor) know(state *broker.State) {
	s.state.Store(state)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// again has another broker started. It gives nil when ctx ends.
func (s *sponsor) again(ctx context.Context) *broker.Client {
	warned := false
	for pause := rand.N(firstRetry); ; pause = min(2*pause+firstRetry, lastRetry) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		client, err := s.launcher.Ensure(ctx)
		if err == nil {
			return client
		}
		if ctx.Err() == nil && !warned {
			warned = true
			s.host.warn(lostBroker(err))
		}
	}
}

// lostBroker says that there is no broker any more.
func lostBroker(err error) diagnostic.Diagnostic {
	d := diagnostic.Diagnostic{Code: "no-broker", Suggestion: "until there is one nobody new can connect",
		Message: "the broker has ended, and another one cannot be started, which is tried again: " + err.Error()}
	if hinting, ok := errors.AsType[hinting](err); ok {
		d.Suggestion = hinting.Hint()
	}
	return d
}

// hinting is an error that says what to do.
type hinting interface {
	error
	Hint() string
}

// news delivers when something has changed.
func (s *sponsor) news() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.changed
}

// has reports whether it is the broker that has a port, which is there to be shared. While one broker takes the place of another it
// says so of every port: what is another program's is then told by the broker, to the program.
func (s *sponsor) has(t TakenPort) bool {
	if s == nil {
		return false
	}
	state := s.state.Load()
	if state == nil || state.PID != broker.Process(s.launcher.Folder) {
		return true
	}
	if t.Holder.PID != 0 {
		return t.Holder.PID == state.PID
	}
	return slices.ContainsFunc(state.Listeners, func(text string) bool { // where the system does not tell who it is
		addr, err := netip.ParseAddrPort(text)
		return err == nil && addr.Port() == t.Endpoint.Port
	})
}

// registered are the prefixes of the queues that the processes have or take from.
func (s *sponsor) registered(pids []int) (found []endpoint.Endpoint) {
	if s == nil {
		return nil
	}
	state := s.state.Load()
	if state == nil {
		return nil
	}
	for _, q := range state.Queues {
		takes := slices.ContainsFunc(q.Workers, func(w broker.WorkerState) bool { return slices.Contains(pids, w.PID) })
		for _, p := range q.Prefixes {
			if e, err := endpoint.Parse(p.Prefix); err == nil && (takes || slices.Contains(pids, p.PID)) {
				found = append(found, e)
			}
		}
	}
	return found
}

// register notes what the program has registered. found are the endpoints of the plan that are new; more says that there is one
// that the plan does not name: the program has chosen others, and tells of them by itself.
func (w *watching) register(registered []endpoint.Endpoint) (found []endpoint.Endpoint, more bool) {
	for i := range w.wanted {
		e := &w.wanted[i]
		at := slices.IndexFunc(registered, func(r endpoint.Endpoint) bool { return isPrefix(e.Endpoint.Endpoint, r) })
		if at < 0 {
			continue
		}
		if !e.ready {
			e.ready, e.reached = true, e.Endpoint.WithPort(registered[at].Port)
			found = append(found, e.reached)
		}
		registered = slices.Delete(registered, at, at+1)
	}
	for _, r := range registered {
		if !slices.Contains(w.others, r) {
			w.others = append(w.others, r)
			more = true
		}
	}
	return found, more
}

// isPrefix reports whether e is registered as r. Their port is the same, unless it was left to the broker.
func isPrefix(e, r endpoint.Endpoint) bool {
	if e.Port != 0 && e.Port != r.Port {
		return false
	}
	wanted, err := urlprefix.Parse(e.WithPort(r.Port).String())
	there, otherErr := urlprefix.Parse(r.String())
	return err == nil && otherErr == nil && wanted.Key() == there.Key()
}

// warnAlone tells once of a program that listens by itself, where it should have registered.
func (w *watching) warnAlone(e wanted) {
	if w.host.sponsor == nil || w.alone {
		return
	}
	w.alone = true
	w.host.warn(diagnostic.Diagnostic{Code: "not-shared", Place: w.host.plan.Server.Origin.Place,
		Message: fmt.Sprintf("%s listens on %s itself, so that no other program can share that port, although its server is httpsys",
			w.host.name, e.reached),
		Suggestion: "let it be served by servers.Run, which shares ports, or leave the server out"})
}
