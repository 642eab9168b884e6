package module

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// accept has the front itself serve the sockets.
func (r *reign) accept(ctx context.Context, s *served) error {
	sockets, err := r.sockets()
	if err != nil {
		return unlessDone(ctx, err)
	}
	site := r.site.WithListeners(sockets)
	site.ShutdownTimeout = s.Backend.ShutdownTimeLimit + moment
	site.Endpoints = bound(r.listeners)
	serving, end := context.WithCancel(ctx)
	var preloading sync.WaitGroup
	if r.o.Preload && s.Hosting == OutOfProcess {
		preloading.Go(func() { s.preload(serving) })
	}
	err = servers.Kestrel().Serve(ctx, site)
	end()
	preloading.Wait()
	if ctx.Err() != nil && err != nil {
		r.warn(diagnostic.Diagnostic{Code: "cut-off", Message: err.Error()})
		return nil
	}
	return err
}

// bound are the endpoints with the ports that they have got.
func bound(listeners []servers.Listener) []servers.Endpoint {
	var list []servers.Endpoint
	for _, l := range listeners {
		e := l.Endpoint
		if addr, ok := l.Addr().(*net.TCPAddr); ok {
			e.Endpoint = e.WithPort(uint16(addr.Port))
		}
		if !slices.ContainsFunc(list, func(o servers.Endpoint) bool { return o.Endpoint == e.Endpoint }) {
			list = append(list, e)
		}
	}
	return list
}

// preload starts the app without a request, and again when it has ended by itself or is online again. One that does not start is
// tried again by the next request.
func (s *served) preload(ctx context.Context) {
	for range max(s.Backend.Processes, 1) - 1 {
		if p, err := s.pool.Get(ctx); err == nil {
			p.Release()
		}
	}
	for {
		p, err := s.pool.Get(ctx)
		if errors.Is(err, backend.ErrDropped) {
			select {
			case <-s.front.online:
				continue
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			s.failed.Store(true)
			return
		}
		s.front.lookPaired(p)
		p.Release()
		select {
		case <-p.Exited():
		case <-ctx.Done():
			return
		}
	}
}

// sockets are listeners of which each phase has its own, so that closing them leaves the sockets open. Where sockets cannot be
// handed over there is one phase, from beginning to end.
func (r *reign) sockets() ([]net.Listener, error) {
	if r.gate != nil {
		return r.gate.Listeners()
	}
	var list []net.Listener
	for _, l := range r.listeners {
		list = append(list, l.Listener)
	}
	return list, nil
}
