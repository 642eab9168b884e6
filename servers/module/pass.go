package module

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// maxTries is how many processes a request is offered to. One that dies before it has seen the request is followed by
// another; a program that does so again and again is stopped by its rapid fails. After one that may have seen it there is one
// more: a request that kills whoever gets it is not to kill them all.
const maxTries = 4

// ServeHTTP answers a request, by the app where there is one.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.now.Load()
	switch offline := f.offline.Load(); {
	case page.IsProbe(r):
		page.ServeProbe(w, offline == nil && s.worthAsking())
	case offline != nil:
		w.Header().Set("Connection", "close")
		page.Offline(*offline).ServeHTTP(w, r)
	case f.stopping.Load():
		s.fail(w, r, backend.ErrStopping)
	case s.Hosting == InProcess: // it came while the app was offline, and the app is about to have the sockets again
		w.Header().Set("Connection", "close")
		s.fail(w, r, backend.ErrStopping)
	case !s.isBelow(r):
		http.NotFound(w, r)
	default:
		s.pass(w, r, maxTries)
	}
}

// pass passes a request on, to another process when one has died without having seen it, with so many processes left to try.
func (s *served) pass(w http.ResponseWriter, r *http.Request, left int) {
	done := s.front.endWith(w)
	defer done()
	for ; ; left-- {
		p := s.pool.Ready()
		isNew := p == nil
		if isNew {
			var err error
			if p, err = s.pool.Get(r.Context()); errors.Is(err, backend.ErrDropped) {
				s.front.ServeHTTP(w, r) // it is offline
				return
			} else if err != nil {
				s.fail(w, r, err)
				return
			}
			s.failed.Store(false)
		}
		if again, seen := s.passTo(p, w, r, left > 1); seen {
			left = 2
			continue
		} else if again {
			continue
		}
		if isNew {
			s.front.lookPaired(p)
		}
		return
	}
}

// passTo passes a request on to one process. again means that another is to get it: this one has not seen it, or may have and
// is gone, and the request may be done twice: seen. One that lives has had its chance: an app that breaks the connection, or is
// too slow, would do so again.
func (s *served) passTo(p *backend.Process, w http.ResponseWriter, r *http.Request, mayRepeat bool) (again, seen bool) {
	defer p.Release()
	err := s.relay.Forward(w, r, p.Hosting().(*upstream).target)
	if err == nil {
		s.trace(r, p)
		return false, false
	}
	if failure, ok := errors.AsType[*relay.Error](err); ok {
		if again, seen := s.failedAt(p, r, failure); again && mayRepeat {
			return true, seen
		}
	}
	s.fail(w, r, err)
	return false, false
}

// failedAt has the pool know of a failure at p, and gives what passTo does.
func (s *served) failedAt(p *backend.Process, r *http.Request, failure *relay.Error) (again, seen bool) {
	if failure.Client || failure.Timeout {
		return false, false
	}
	isGone := p.Failed()
	again = failure.Retriable && (isGone || !failure.Sent) && r.Context().Err() == nil
	return again, again && failure.Sent
}

// trace logs a request that was answered, where somebody wants to know of each.
func (s *served) trace(r *http.Request, p *backend.Process) {
	if s.tracing {
		s.front.o.Log.Debug("a request was passed on", "method", r.Method, "path", r.URL.Path, "pid", p.PID())
	}
}

// endWith has Kill end a request whose client does not read. The function that it returns is called at the request's end.
func (f *Front) endWith(w http.ResponseWriter) (done func()) {
	stop := context.AfterFunc(f.life, func() {
		c := http.NewResponseController(w)
		past := time.Unix(1, 0)
		_, _ = c.SetReadDeadline(past), c.SetWriteDeadline(past) // one that cannot has nothing to end
	})
	return func() { stop() }
}

// worthAsking answers a page's question: whether loading it anew may give something else.
func (s *served) worthAsking() bool {
	if p := s.pool.Ready(); p != nil {
		p.Release()
		return true
	}
	return !s.failed.Load() || s.Changed != nil && s.Changed()
}
