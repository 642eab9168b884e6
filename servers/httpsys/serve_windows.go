//go:build amd64 || arm64

package httpsys

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// host is a Server that serves. Its goroutines are one that reads completions (completions), Options.MaxAccepts that ask for
// requests, one for each request, and one for each connection whose end a handler wants to know. All end with run.
type host struct {
	*system
	server   *Server
	maxBody  int64          // of a request, in bytes; above every length when there is no limit
	handlers []http.Handler // one for each prefix, below its path base
	whole    http.Handler   // for requests of another process's prefixes, which have come to the same queue
	trailers bool           // the system can send them, in HTTP/2 and HTTP/3

	accepting context.Context // until the server stops
	living    context.Context // until what still runs is cut off
	accepts   sync.WaitGroup
	requests  sync.WaitGroup
	watches   watches
}

// serve does what Serve says.
func (s *Server) serve(ctx context.Context, list []registration, listening func([]string)) error {
	if err := s.checkForWindows(list); err != nil {
		return err
	}
	y, err := openSystem(s.optionsOfSystem(), s.log())
	if err != nil {
		return err
	}
	defer y.close()
	list = forQueue(list, y.created)
	if err := y.register(list); err != nil {
		return err
	}
	h := newHost(s, y)
	addresses := make([]string, len(list))
	for i, r := range list {
		addresses[i] = r.address()
	}
	return h.run(ctx, func() {
		if listening != nil {
			listening(addresses)
		}
	})
}

// optionsOfSystem are the Options with what Limits say where these say nothing, and the system has a word for it.
func (s *Server) optionsOfSystem() Options {
	o := s.Options
	o.MaxConnections = cmp.Or(o.MaxConnections, s.Limits.MaxConcurrentConnections)
	o.Timeouts.IdleConnection = cmp.Or(o.Timeouts.IdleConnection, s.Limits.KeepAliveTimeout)
	o.Timeouts.HeaderWait = cmp.Or(o.Timeouts.HeaderWait, s.Limits.RequestHeadersTimeout)
	return o
}

// checkForWindows refuses what cannot be done here, and tells of what has no effect.
func (s *Server) checkForWindows(list []registration) error {
	if s.Options.ClientCertificateMethod == AllowRenegotiation {
		return &OptionError{"ClientCertificateMethod", "AllowRenegotiation is not supported", "have clients asked in their handshake: netsh http add sslcert ... clientcertnegotiation=enable"}
	}
	for _, r := range list {
		if r.TLS != nil {
			s.log().Info("the certificate of an https address is the one that is bound to it (netsh http add sslcert), not the program's", slog.String("address", r.URL))
			break
		}
	}
	if len(s.Middleware) > 0 {
		s.log().Warn("connections belong to HTTP.sys: middleware for them is not called")
	}
	return nil
}

func newHost(s *Server, y *system) *host {
	h := &host{system: y, server: s, maxBody: s.effectiveLimits().Effective().MaxRequestBodySize, trailers: httpapi.IsFeatureSupported(httpapi.FeatureResponseTrailers)}
	handler := s.Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	for _, u := range y.urls {
		if u.prefix.PathBase() == "" {
			h.handlers = append(h.handlers, handler)
		} else {
			h.handlers = append(h.handlers, onlyBelow(handler, u.prefix))
		}
	}
	h.whole = handler
	return h
}

// handler gives that of a URL's context.
func (h *host) handler(context uint64) http.Handler {
	if place := context & placeMask; context&^placeMask == h.mark && place < uint64(len(h.handlers)) {
		return h.handlers[place]
	}
	return h.whole
}

// onlyBelow is below for requests whose path begins with p's. The system matches in a looser way than that: to it /base%2Fa and
// //base/a begin with /base/.
func onlyBelow(next http.Handler, p urlprefix.Prefix) http.Handler {
	next = below(next, p)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base, _ := p.Split(r.URL.EscapedPath())
		got, err1 := url.PathUnescape(base)
		want, err2 := url.PathUnescape(p.PathBase())
		if err1 != nil || err2 != nil || !strings.EqualFold(got, want) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx is done, and then stops: the prefixes go first, then what is in the queue is served, then requests
// may end.
func (h *host) run(ctx context.Context, listening func()) error {
	living, cut := context.WithCancelCause(h.server.base())
	defer cut(nil)
	accepting, stop := context.WithCancel(context.Background())
	defer stop()
	h.living, h.accepting = living, accepting
	for range h.maxAccepts() {
		h.accepts.Go(h.accept)
	}
	listening()
	<-ctx.Done()
	h.unregister()
	stop()
	h.accepts.Wait()
	return h.drain(cut)
}

func (h *host) maxAccepts() int {
	if n := h.options.MaxAccepts; n > 0 {
		return n
	}
	return 5 * runtime.NumCPU()
}

// drain waits for the running requests, and cuts them off when ShutdownTimeout is over. Then their contexts are done and
// their calls of the system fail, which is waited for; a handler that does not care is left behind.
func (h *host) drain(cut context.CancelCauseFunc) error {
	ended := make(chan struct{})
	go func() {
		h.requests.Wait()
		close(ended)
	}()
	timer := time.NewTimer(h.server.shutdownTimeout())
	defer timer.Stop()
	var err error
	select {
	case <-ended:
	case <-timer.C:
		err = &CutOffError{h.server.shutdownTimeout()}
	}
	cut(net.ErrClosed)
	h.stop()
	h.watches.end()
	return err
}

// pause is how long accept waits after a failure that it cannot explain.
const pause = 100 * time.Millisecond

// accept asks for requests, one at a time. When the server stops it takes what is in the queue before it ends: a call
// that is cancelled gives the request that it has got in the same moment.
func (h *host) accept() {
	in := newReceiver(h)
	told := false
	for {
		native, err := in.receive()
		switch {
		case err == nil:
			x := newExchange(h, native)
			h.requests.Go(x.serve)
			continue
		case errors.Is(err, windows.ERROR_OPERATION_ABORTED), errors.Is(err, net.ErrClosed):
			if h.accepting.Err() != nil {
				return
			}
		}
		if !told {
			h.log.Error("HTTP.sys gives no requests; it is asked again", slog.Any("error", err))
			told = true
		}
		select {
		case <-h.accepting.Done():
			return
		case <-time.After(pause):
		}
	}
}
