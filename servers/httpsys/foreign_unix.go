//go:build unix

package httpsys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// ServeHTTP serves the requests of this server, and has the broker see to those of others that come on a connection which cannot
// be handed back, because of its TLS.
func (c *client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	routes := c.routes.Load()
	if routes.flat && r.TLS == nil && len(c.server.Middleware) == 0 { // isElsewhere has been asked
		c.handler.ServeHTTP(w, r)
		return
	}
	h := routes.ofRequest(r)
	if isDelegated(r) {
		h = c.handler
	}
	if h == nil {
		c.foreign(w, r, routes)
		return
	}
	if r.ProtoMajor > 1 && routes.isShared(r) {
		w.Header().Set("Connection", "close") // GOAWAY: since it began the host has got another owner, whom the broker serves too
	}
	if c.server.Options.ClientCertificateMethod == NoCertificate {
		forgetCertificate(r)
	}
	h.ServeHTTP(w, r)
}

// forgetCertificate takes the client's certificate from a request.
func forgetCertificate(r *http.Request) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return
	}
	state := *r.TLS
	state.PeerCertificates, state.VerifiedChains = nil, nil
	setContext(r, feature.With(r.Context(), feature.TLS{State: state}))
	r.TLS = &state
}

// foreign is for a request that is another server's, or nobody's. HTTP/2 clients are told to connect anew (RFC 9110, 15.5.20);
// the connection then ends, so that they do. Others are relayed this once, and their connection ends too.
func (c *client) foreign(w http.ResponseWriter, r *http.Request, routes *routes) {
	w.Header().Set("Connection", "close")
	if r.ProtoMajor > 1 {
		w.WriteHeader(statusOf(routes.resultOf(r)))
		return
	}
	switch err := c.pass(w, r, ""); {
	case errors.Is(err, errLoop):
		w.WriteHeader(http.StatusLoopDetected)
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// statusOf is the status for a client that cannot be relayed. A new connection would not help it where nobody has the path.
func statusOf(result urlprefix.Result) int {
	switch result {
	case urlprefix.NoPath:
		return http.StatusNotFound
	case urlprefix.BadPath:
		return http.StatusBadRequest
	}
	return http.StatusMisdirectedRequest
}

// maxHops is how often a request may be passed on: queues that delegate to each other would have it go round for ever.
const maxHops = 8

var errLoop = fmt.Errorf("it was passed on %d times, and has found nobody who answers it", maxHops)

// metaKey is where the context of a connection that is described has its description.
type metaKey struct{}

func (c *client) connContext(ctx context.Context, conn net.Conn) context.Context {
	if d, ok := conn.(*kestrel.Described); ok {
		return context.WithValue(ctx, metaKey{}, metaOf(d))
	}
	return ctx
}

// isDelegated reports whether another server has given the request to this one's queue: it is answered here, whatever its URL.
func isDelegated(r *http.Request) bool {
	m, ok := r.Context().Value(metaKey{}).(*wire.Meta)
	return ok && m.Delegated
}

// pass relays a request to who owns it, or to a queue, by a new connection through the broker. As long as nothing of a response
// has been written it gives an error.
func (c *client) pass(w http.ResponseWriter, r *http.Request, queue string) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	meta := metaOfClient(r.RemoteAddr, local, r.TLS)
	meta.Hops, meta.Delegated = 1, queue != ""
	if before, ok := r.Context().Value(metaKey{}).(*wire.Meta); ok {
		meta.Hops += before.Hops
	}
	if meta.Hops > maxHops {
		return errLoop
	}
	setContext(r, context.WithValue(r.Context(), pairKey{}, pair{meta, queue}))
	err := c.relay.Forward(w, r, relay.Target{Network: "broker"}) // the same for all, for a Relay remembers it
	if err != nil {
		c.log.Debug("a request could not be passed on", slog.Any("error", err))
	}
	return err
}

// pairKey is where dial finds what the connection is for.
type pairKey struct{}

type pair struct {
	meta  *wire.Meta
	queue string
}

// dial is the relay's: it makes a pair of sockets and gives one to the broker.
func (c *client) dial(ctx context.Context, _ relay.Target) (net.Conn, error) {
	what, ok := ctx.Value(pairKey{}).(pair)
	s := c.session.Load()
	if !ok || s == nil {
		return nil, errLost
	}
	payload, err := wire.Handback{Meta: what.meta, Queue: what.queue}.Append(nil)
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	back := wire.Frame{Kind: wire.KindBack, Payload: payload, FD: theirs}
	if what.queue == "" {
		err = s.conn.Send(back)
	} else {
		err = s.askFrame(ctx, back, nil)
	}
	wire.Frame{FD: theirs}.Close()
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return ours, nil
}
