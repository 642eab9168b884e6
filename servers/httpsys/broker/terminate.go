//go:build linux || darwin

package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/kestrel"
	"github.com/gorun-dev/gorun/servers/limits"
)

// owners is what ending TLS asks of the broker. It is a Broker's.
type owners interface {
	match(scheme string, host, path []byte, local netip.AddrPort) (*queue, urlprefix.Result)
	give(q *queue, v *visit)
}

// terminator ends TLS for hosts whose prefixes belong to several queues, or that ask clients for certificates, and passes requests
// on, each to its owner. Where one owner has everything that a client can ask for, the core hands the encrypted connection over.
//
// What a relayed request costs beside one that is handed over: TLS is here, and the request goes through a pair of sockets. An app
// gets it as HTTP/1.1 on a described connection (wire.Meta), also when the client speaks HTTP/2: gRPC needs a host of its own.
//
// Its goroutines are those of its server and of the relays, and end with close.
type terminator struct {
	owners      owners
	store       *Store
	log         *slog.Logger
	development development
	server      kestrel.Server

	most int64 // how many clients there may be at once: each costs a descriptor, and two for each owner
	open atomic.Int64
	full sync.Once // tells that there are too many
}

func newTerminator(o owners, store *Store, log *slog.Logger) *terminator {
	t := &terminator{owners: o, store: store, log: log, most: int64(mostHeads() / 3)}
	t.server = kestrel.Server{Handler: t, Limits: relayedLimits(), Log: log, ConnContext: withClient}
	return t
}

// relayedLimits leaves to the app what it may set itself: how long a body is, and how fast one must be. The rest is HTTP.sys'
// (reference: servers.md, 4.1) or Kestrel's.
func relayedLimits() limits.Limits {
	free := limits.DataRate{BytesPerSecond: -1}
	return limits.Limits{
		MaxRequestBodySize: -1, MinRequestBodyDataRate: free, MinResponseDataRate: free, KeepAliveTimeout: 2 * time.Minute,
	}
}

// terminate becomes the owner of a connection on which TLS begins, and does not wait.
func (t *terminator) terminate(v *visit) {
	local := v.address()
	if t.open.Add(1) > t.most {
		t.open.Add(-1)
		t.full.Do(func() { t.log.Warn("HTTP.sys: there are too many clients whose TLS ends here", "limit", t.most) })
		v.reset()
		return
	}
	c, err := v.conn()
	if err != nil {
		t.open.Add(-1)
		t.log.Debug("HTTP.sys: a connection cannot be served", "error", err) // who accepts tells of want of descriptors
		return
	}
	// After close the server refuses it, and has closed it.
	_ = t.server.ServeConn(newTLSClient(t, c, local), kestrel.Binding{TLS: &tls.Config{GetConfigForClient: t.configure}})
}

// configure chooses the certificate for a client, and remembers on the connection which it was.
func (t *terminator) configure(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	client := hello.Conn.(*tlsClient)
	b, config := t.store.bound(hello.ServerName, client.local)
	switch {
	case config != nil:
		client.asked = b.ClientCertNegotiation
		return config, nil
	case b != nil && b.ClientCertNegotiation:
		return nil, errors.New("the certificate of " + b.Name() + " cannot be used") // another one would ask nobody
	}
	return t.development.get(t.store.options())
}

// close lets requests that run end, for a moment, and closes all connections.
func (t *terminator) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if t.server.Shutdown(ctx) != nil {
		_ = t.server.Close() // what it cuts off has no errors to tell
	}
}

// ServeHTTP passes one request on to its owner.
func (t *terminator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := clientOf(r)
	if t.isMisdirected(client, r) {
		say(w, r, answer{status: http.StatusMisdirectedRequest, text: "The connection was made for another host."})
		return
	}
	q, result := t.owners.match("https", []byte(r.Host), []byte(pathOf(r)), client.local)
	switch result {
	case urlprefix.NoHost:
		say(w, r, noHost)
	case urlprefix.NoPath:
		say(w, r, noPath)
	case urlprefix.BadPath:
		say(w, r, badPath)
	default:
		if err := client.forward(w, r, q); err != nil {
			t.failed(w, r, err)
		}
	}
}

// isMisdirected reports whether the host of a request asks its clients for a certificate, and this connection's has not been asked,
// because it was made for another. It gets to know so, and may come again (RFC 9110, 7.4 and 15.5.20).
func (t *terminator) isMisdirected(c *tlsClient, r *http.Request) bool {
	return !c.asked && t.store.asksClients(nameOf(r.Host), c.local)
}

// nameOf gives the name in a Host field as it stands in SNI.
func nameOf(host string) string {
	name, _, _ := strings.Cut(host, ":") // where prefixes end it, too
	name = strings.TrimSuffix(name, ".")
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		return ascii
	}
	return name
}

// pathOf is what prefixes are compared with: for OPTIONS * and CONNECT the root.
func pathOf(r *http.Request) string {
	if path := r.URL.EscapedPath(); path != "" && path[0] == '/' {
		return path
	}
	return "/"
}

// failed answers a request that could not be passed on. An app that is gone without an answer is what a client would see that had been
// handed over to it: the end of the connection.
func (t *terminator) failed(w http.ResponseWriter, r *http.Request, err error) {
	if refusal, ok := errors.AsType[*relay.RefusalError](err); ok {
		say(w, r, answer{status: refusal.Status, text: html.EscapeString(refusal.Error()) + "."})
		return
	}
	if e, ok := errors.AsType[*relay.Error](err); ok && e.Client && r.Context().Err() == nil {
		say(w, r, answer{status: http.StatusBadRequest, text: "The request's body cannot be read."})
		return
	}
	if errors.Is(err, errNoPair) {
		say(w, r, answer{status: http.StatusServiceUnavailable, text: "The request cannot be passed on."})
		return
	}
	t.log.Debug("HTTP.sys: a request was not answered", "error", err)
	panic(http.ErrAbortHandler)
}

// say answers as the core does, on a connection that goes on.
func say(w http.ResponseWriter, r *http.Request, a answer) {
	page := a.page()
	header := w.Header()
	header.Set("Server", serverHeader)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, page) // a client that has gone gets none
	}
}

// ending is the Broker's terminator, made when the first client comes that needs it.
type ending struct {
	once       sync.Once
	terminator *terminator
}

// terminate becomes the owner of a connection on which TLS begins, and serves it on goroutines of its own.
func (b *Broker) terminate(v *visit, _ hello) {
	b.ending.once.Do(func() {
		t := newTerminator(b, b.options.Store, b.log)
		b.ending.terminator = t
		b.serving.Go(func() {
			<-b.ctx.Done()
			t.close()
		})
	})
	b.ending.terminator.terminate(v)
}
