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
// another; a program that does so again and again is stopped by its rapid fails.
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
	case !s.isBelow(r):
		http.NotFound(w, r)
	default:
		s.pass(w, r)
	}
}

// pass passes a request on, to another process when one has died without having seen it.
func (s *served) pass(w http.ResponseWriter, r *http.Request) {
	done := s.front.endWith(w)
	defer done()
	for try := 1; ; try++ {
		p := s.pool.Ready()
		if p == nil {
			var err error
			if p, err = s.pool.Get(r.Context()); err != nil {
				s.fail(w, r, err)
				return
			}
			s.failed.Store(false)
		}
		again := s.passTo(p, w, r, try < maxTries)
		if !again {
			return
		}
	}
}

// passTo passes a request on to one process. again means that the process has failed, has not seen the request, and that
// another may.
func (s *served) passTo(p *backend.Process, w http.ResponseWriter, r *http.Request, mayRepeat bool) (again bool) {
	defer p.Release()
	err := s.relay.Forward(w, r, p.Hosting().(*upstream).target)
	if err == nil {
		return false
	}
	failure, ok := errors.AsType[*relay.Error](err)
	if ok && !failure.Client && !failure.Timeout {
		p.Failed()
	}
	if ok && failure.Retriable && mayRepeat && r.Context().Err() == nil {
		return true
	}
	s.fail(w, r, err)
	return false
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
