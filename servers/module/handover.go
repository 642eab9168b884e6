package module

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/kestrel"
	"github.com/gorun-dev/gorun/servers/limits"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/module/handover"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// newGate takes over sockets that are to be handed over, and that front and app accept on in turn.
func newGate(listeners []servers.Listener) (*handover.Sockets, error) {
	var sockets []handover.Socket
	for _, l := range listeners {
		sockets = append(sockets, handover.Socket{Listener: l.Listener, Name: l.Endpoint.Scheme})
	}
	return handover.New(sockets)
}

// inProcess is the hosting of a process that gets the sockets.
type inProcess struct {
	*handover.InProcess
	served *served
}

// Prepare adds what the module tells an app in-process about itself (reference: servers.md, 1.3 and 2.1).
func (h *inProcess) Prepare(spec *process.Spec) error {
	o := h.served.Pairing
	o.Path, o.Directory, o.WebSockets = h.served.Path, h.served.front.o.Root, true
	spec.Env = h.served.front.withBodyLimit(h.served.front.withPorts(o.InProcess(spec.Env)))
	return h.InProcess.Prepare(spec)
}

// withPorts has ASPNETCORE_URLS name the ports that the sockets have got, where any were asked for (port 0): the app knows its
// sockets by them. env is changed.
func (f *Front) withPorts(env []string) []string {
	const name = "ASPNETCORE_URLS="
	anyPort := slices.ContainsFunc(f.o.Endpoints, func(e servers.Endpoint) bool { return e.Unix == "" && e.Port == 0 })
	if i := slices.IndexFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name) }); i >= 0 && anyPort {
		env[i] = name + strings.Join(f.urls, ";")
	}
	return env
}

// withBodyLimit has the app refuse the bodies that the front would refuse, unless somebody has told it otherwise (reference:
// servers.md, 2.1). The default is the app's own, too: it is not said, so that it does not win over the app's settings.
func (f *Front) withBodyLimit(env []string) []string {
	const name = "Kestrel__Limits__MaxRequestBodySize"
	n := f.o.Limits.MaxRequestBodySize
	if n <= 0 || n == limits.Defaults().MaxRequestBodySize || slices.ContainsFunc(env, func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return strings.EqualFold(key, name)
	}) {
		return env
	}
	return append(env, name+"="+strconv.FormatInt(n, 10))
}

// hand is a phase in which the app is given the sockets. One goroutine runs it; the others are those of its servers, which have
// ended when handOver returns.
//
// It is in one of three states: nobody accepts, and a connection that comes has the app started; the app accepts; or its last
// start has failed and the front accepts, to tell so. In the last one a request has the app started anew. The page that was
// shown does not, when it asks whether it should load itself again: to know the one from the other, the front has to accept.
type hand struct {
	*reign
	served  *served
	renewed <-chan *served
	failure atomic.Pointer[error] // why the app did not start the last time; nil before the first failure
	round   atomic.Pointer[round] // the latest; nil before the first failure

	tells, retries *kestrel.Server // for those who have waited, and for those who come later
}

// round is a time in which the front accepts, and how it ended.
type round struct {
	asked chan struct{} // has room for one: a request wants the app
	done  chan struct{} // closed when there is an app, or err is set
	err   error
}

func (r *reign) handOver(ctx context.Context, s *served, renewed <-chan *served) error {
	h := &hand{reign: r, served: s, renewed: renewed}
	h.tells, h.retries = h.newServer(h.tell), h.newServer(h.retry)
	err := h.run(ctx)
	if h.stopping.Load() {
		_ = h.gate.Close()
	}
	h.close(s.Backend.ShutdownTimeLimit)
	return err
}

func (h *hand) run(ctx context.Context) error {
	for wait := !h.o.Preload; ctx.Err() == nil; {
		if wait {
			if err := h.gate.Wait(ctx); err != nil {
				return unlessDone(ctx, err)
			}
		}
		h.refresh()
		p, err := h.served.pool.Get(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, backend.ErrDropped) {
			p, err = h.recover(ctx, err)
		}
		if errors.Is(err, backend.ErrDropped) { // it is offline, and the phase ends in a moment
			<-ctx.Done()
		}
		if err != nil {
			return unlessDone(ctx, err)
		}
		h.served.failed.Store(false)
		h.stay(ctx, p)
		wait = !h.o.Preload
	}
	return nil
}

// unlessDone is err, or nil at the end of the phase.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// refresh takes what is new while nothing runs.
func (h *hand) refresh() {
	select {
	case h.served = <-h.renewed:
	default:
	}
}

// stay lets the app be, until it has ended. When the settings change, the next process is there before this one goes.
func (h *hand) stay(ctx context.Context, p *backend.Process) {
	for {
		select {
		case <-ctx.Done():
			p.Release()
			return
		case <-p.Exited():
			p.Release()
			return
		case h.served = <-h.renewed:
			next, err := h.served.pool.Get(ctx)
			p.Release()
			if err != nil { // the next connection tries again, and is told
				return
			}
			p = next
		}
	}
}

// recover answers in place of the app, until a request has it started.
func (h *hand) recover(ctx context.Context, failure error) (*backend.Process, error) {
	for {
		if _, ok := errors.AsType[*backend.StartError](failure); ok {
			h.served.failed.Store(true)
		}
		if err := h.answerWaiting(ctx, failure); err != nil {
			return nil, err
		}
		r := &round{asked: make(chan struct{}, 1), done: make(chan struct{})}
		h.round.Store(r)
		p, err := h.accepting(ctx, r, failure)
		if p == nil && err == nil {
			p, err = h.served.pool.Get(ctx)
		}
		r.err = err
		close(r.done)
		if err == nil || ctx.Err() != nil || errors.Is(err, backend.ErrDropped) {
			return p, err
		}
		failure = err
	}
}

// lingering is how long the front waits for those who have connected to send their requests.
const lingering = time.Second

// answerWaiting tells all who wait why they wait in vain.
func (h *hand) answerWaiting(ctx context.Context, failure error) error {
	backlog, err := h.gate.Backlog()
	if errors.Is(err, handover.ErrInUse) { // another app has them, and accepts
		return nil
	}
	if err != nil {
		return err
	}
	h.failure.Store(&failure)
	ended := h.serve(h.tells, backlog.Listeners())
	ctx, cancel := context.WithTimeout(ctx, lingering)
	defer cancel()
	_ = backlog.Answered(ctx) // who says nothing is answered when he does
	backlog.Close()
	ended()
	return nil
}

// tell answers a request that has waited in vain.
func (h *hand) tell(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	s := h.now.Load()
	if page.IsProbe(r) {
		page.ServeProbe(w, s.worthAsking())
		return
	}
	s.fail(w, r, *h.failure.Load())
}

// accepting accepts connections until a request comes that wants the app. New connections wait again from then on: front and app
// do not accept at once. The process is that of the start that failed, where it was let be and has become ready after all.
func (h *hand) accepting(ctx context.Context, r *round, failure error) (*backend.Process, error) {
	sockets, err := h.gate.Listeners()
	if err != nil {
		return nil, err
	}
	var late <-chan struct{}
	if start, ok := errors.AsType[*backend.StartError](failure); ok {
		late = start.Late
	}
	ended := h.serve(h.retries, sockets)
	defer func() {
		for _, l := range sockets {
			l.Close()
		}
		ended()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case h.served = <-h.renewed:
		case <-late:
			if p := h.served.pool.Ready(); p != nil {
				return p, nil
			}
			late = nil // it has ended, and the next request starts another
		case <-r.asked:
			h.refresh()
			return nil, nil
		}
	}
}

// newServer makes a server for requests that the front answers in the app's place.
func (h *hand) newServer(answer http.HandlerFunc) *kestrel.Server {
	return &kestrel.Server{Handler: answer, Limits: h.site.Limits, Log: h.o.Log, BaseContext: h.site.Context}
}

// serve has the front serve sockets. The function that it gives returns when they are closed; connections go on.
func (h *hand) serve(server *kestrel.Server, sockets []net.Listener) (ended func()) {
	var wg sync.WaitGroup
	for i, l := range sockets {
		e := h.listeners[i].Endpoint
		wg.Go(func() { server.Serve(l, kestrel.Binding{Protocols: e.Protocols, TLS: e.TLS}) })
	}
	return wg.Wait
}

// retry answers a request that the front has accepted itself after a start that failed: the app is started once more, and gets
// the request where it gets all others.
func (h *hand) retry(w http.ResponseWriter, r *http.Request) {
	defer h.endWith(w)()
	w.Header().Set("Connection", "close") // the next request goes to the app
	s := h.now.Load()
	if page.IsProbe(r) {
		page.ServeProbe(w, s.worthAsking())
		return
	}
	latest := h.round.Load()
	select {
	case latest.asked <- struct{}{}:
	default: // somebody else has asked
	}
	select {
	case <-latest.done:
	case <-r.Context().Done():
		return
	}
	err := latest.err
	if err == nil {
		err = h.toItself(w, r, s)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// toItself passes a request on to the front's own address, where the app accepts by now. A client of an https address is asked
// to come again, as nothing here speaks TLS to a server.
func (h *hand) toItself(w http.ResponseWriter, r *http.Request, s *served) error {
	for _, l := range h.listeners {
		if l.Endpoint.TLS == nil {
			return s.relay.Forward(w, r, relay.Target{Network: l.Addr().Network(), Address: l.Addr().String()})
		}
	}
	// The whole address: a target that begins with // would be one of another host.
	http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	return nil
}

// close ends the connections that the front has accepted, after their answers.
func (h *hand) close(limit time.Duration) {
	ctx, cancel := context.WithTimeout(h.life, limit)
	defer cancel()
	for _, server := range []*kestrel.Server{h.tells, h.retries} {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
}
