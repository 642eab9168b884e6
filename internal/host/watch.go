package host

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

const (
	// Looking for the listening sockets of a program begins with the first pause and slows down to the last: most
	// programs listen within some milliseconds, and one that takes minutes need not cost anything.
	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond

	// unaskedTime is how long an address is looked for that nobody asked for, such as the default of servers.Run: a
	// program that listens there does so soon, and most others never.
	unaskedTime = 15 * time.Second

	// firstTurn is how long the browser waits for the plan's first address once another one is ready. Programs that
	// serve both http and https seldom begin both at once; one that knows nothing of https never serves that.
	firstTurn = time.Second
)

// watching finds out when the program listens on the endpoints of the plan. It is one goroutine, which has ended when
// stop returns.
type watching struct {
	host    *host
	tree    *process.Tree
	record  *record
	wanted  []wanted        // in the order of the plan
	ports   map[uint16]bool // that some endpoint has, so that they are not the free port of another
	since   time.Time       // when the first endpoint was ready
	browsed bool
	others  []endpoint.Endpoint // prefixes that the program has registered, and the plan does not name
	alone   bool                // it was told that it listens by itself

	cancel context.CancelFunc
	done   chan struct{}
}

// wanted is an endpoint of the plan, and what became of it.
type wanted struct {
	profiles.Endpoint
	ready   bool
	reached endpoint.Endpoint // with the port that it has really got, once it is ready
}

func (h *host) watch(ctx context.Context, tree *process.Tree, record *record) *watching {
	w := &watching{host: h, tree: tree, record: record, ports: map[uint16]bool{}, done: make(chan struct{})}
	for _, e := range h.plan.Endpoints {
		w.wanted = append(w.wanted, wanted{Endpoint: e})
		w.ports[e.Port] = true
	}
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx)) // a program that is asked to stop may still start to listen
	go w.run(ctx)
	return w
}

// stop ends the watching and returns the addresses that were never listened on.
func (w *watching) stop() (notReady []string) {
	w.cancel()
	<-w.done
	for _, e := range w.wanted {
		if !e.ready && e.Wanted() && w.others == nil {
			notReady = append(notReady, e.URL)
		}
	}
	return notReady
}

func (w *watching) run(ctx context.Context) {
	defer close(w.done)
	begun := time.Now()
	for pause := firstPause; w.missing() || w.hoping() && time.Since(begun) < unaskedTime; pause = min(pause*3/2, lastPause) {
		select {
		case <-ctx.Done():
			return
		case <-w.host.sponsor.news():
		case <-time.After(pause):
		}
		w.look(ctx)
	}
}

// missing reports whether an address that was asked for is not ready.
func (w *watching) missing() bool {
	return slices.ContainsFunc(w.wanted, func(e wanted) bool { return !e.ready && e.Wanted() })
}

// hoping reports whether one that nobody asked for may still become ready.
func (w *watching) hoping() bool {
	return slices.ContainsFunc(w.wanted, func(e wanted) bool { return !e.ready && !e.Wanted() })
}

// look reads the system's table of sockets once, and tells what is new in it.
func (w *watching) look(ctx context.Context) {
	pids := w.tree.PIDs()
	listeners, err := sockets.Owned(pids)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return // they could not be read this time: the program may just have ended
	}
	readable := err == nil && !(systemShares && w.host.plan.SharesPorts())
	blind := w.host.sponsor != nil && err != nil // the broker answers a dial, whoever has registered there
	found, more := w.register(w.host.sponsor.registered(pids))
	for i := range w.wanted {
		e := &w.wanted[i]
		if e.ready || blind {
			continue
		}
		if e.ready = w.listens(ctx, e, listeners, readable); e.ready {
			found = append(found, e.reached)
			w.warnAlone(*e)
		}
	}
	if len(found) > 0 || more {
		w.tell(found)
	}
	w.browse(time.Now())
}

// listens reports whether the program listens on e, and sets where. Where the table cannot be read, and for unix
// sockets, which Windows has in none, a dial is the only proof there is.
func (w *watching) listens(ctx context.Context, e *wanted, listeners []sockets.Listener, readable bool) bool {
	e.reached = e.Endpoint.Endpoint
	switch {
	case !readable || e.Unix != "" && !unixInTable:
		return (e.Port != 0 || e.Unix != "") && dial(ctx, e.reached)
	case e.Unix != "":
		return slices.ContainsFunc(listeners, func(l sockets.Listener) bool { return l.Path == e.Unix })
	}
	for _, l := range listeners {
		port := l.AddrPort.Port()
		if !e.Accepts(l.AddrPort) || e.Port == 0 && w.ports[port] {
			continue
		}
		w.ports[port] = true
		e.reached = e.reached.WithPort(port)
		return true
	}
	return false
}

// tell tells of endpoints that are ready now.
func (w *watching) tell(found []endpoint.Endpoint) {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	var urls []string
	for _, e := range w.wanted {
		if e.ready {
			urls = append(urls, e.reached.String())
		}
	}
	for _, e := range w.others {
		urls = append(urls, e.String())
	}
	w.record.listening(urls, !w.missing() || len(w.others) > 0)
	for _, e := range found {
		w.host.Emit.Tell(event.Event{Kind: event.EndpointReady, Program: w.host.name, URL: e.String()})
	}
}

// browse opens the browser once, on the first address of the plan that a browser can open, or on a later one when the
// first has had its turn.
func (w *watching) browse(now time.Time) {
	if w.browsed || !w.host.plan.Browser.Open.Value || w.host.OpenBrowser == nil || w.since.IsZero() {
		return
	}
	for _, e := range w.wanted {
		switch {
		case e.Unix != "":
		case e.ready:
			w.browsed = true
			w.host.browse(profiles.BrowserURL(w.host.plan.Browser.LaunchURL.Value, e.reached))
			return
		case now.Sub(w.since) < w.host.waiting:
			return
		}
	}
	if len(w.others) > 0 {
		w.browsed = true
		w.host.browse(profiles.BrowserURL(w.host.plan.Browser.LaunchURL.Value, w.others[0]))
	}
}

// browse opens the browser.
func (h *host) browse(url string) {
	if err := h.OpenBrowser(url); err != nil {
		h.warn(diagnostic.Diagnostic{Code: "browser", Message: "the browser could not be opened: " + err.Error(),
			Suggestion: "open " + url, Place: h.plan.Browser.Open.Origin.Place})
		return
	}
	h.Emit.Tell(event.Event{Kind: event.BrowserOpened, URL: url})
}
