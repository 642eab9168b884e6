package module

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// handler is the front with its fast way: a plain request to a process that is ready is passed on as bytes. All that the front
// may have to say itself goes the complete way, by ServeHTTP.
func (f *Front) handler() http.Handler {
	return &relay.Fast{Handler: f, Next: f.next, Cold: f.passOnTheWay, Failed: f.failedOnTheWay, Around: f.around}
}

// next says where a plain request goes, without waiting; nil for one that goes the complete way.
func (f *Front) next(r *serve.Raw) (*relay.Route, relay.Lease) {
	s := f.now.Load()
	switch {
	case s.Hosting != OutOfProcess, f.offline.Load() != nil, f.stopping.Load():
	case string(r.Method()) == http.MethodHead: // which may be a page's question
	case !s.isPlainlyBelow(r.Target()):
	case s.tracing:
	default:
		if p := s.pool.Ready(); p != nil {
			return p.Hosting().(*upstream).route, p
		}
	}
	return nil, nil
}

// isPlainlyBelow is isBelow where that can be seen from the target as it was sent.
func (s *served) isPlainlyBelow(target []byte) bool {
	rest, below := bytes.CutPrefix(target, []byte(s.Path))
	return len(s.Path) <= 1 || below && (len(rest) == 0 || rest[0] == '/' || rest[0] == '?') && !mayHaveDots(rest)
}

// mayHaveDots reports whether a target may have segments that lead out of the app's path.
func mayHaveDots(target []byte) bool {
	return bytes.Contains(target, []byte("/.")) || bytes.Contains(target, []byte("/%2"))
}

// passOnTheWay passes a request on to its process by the complete way.
func (f *Front) passOnTheWay(w http.ResponseWriter, r *http.Request, l relay.Lease) {
	up := l.(*backend.Process).Hosting().(*upstream)
	err := up.served.relay.Forward(w, r, up.target)
	if failure, ok := errors.AsType[*relay.Error](err); ok {
		f.failedOnTheWay(w, r, l, failure)
	}
}

// failedOnTheWay answers a request whose process has failed.
func (f *Front) failedOnTheWay(w http.ResponseWriter, r *http.Request, l relay.Lease, e *relay.Error) {
	s := f.now.Load()
	again, seen := s.failedAt(l.(*backend.Process), r, e)
	again = again && s.Hosting == OutOfProcess // by now
	switch {
	case !again:
		s.fail(w, r, e)
	case seen:
		s.pass(w, r, 1)
	default:
		s.pass(w, r, maxTries-1)
	}
}

func (f *Front) around(w http.ResponseWriter, _ *http.Request) (end func()) { return f.endWith(w) }

// isTracing reports whether somebody wants to know of each request.
func (f *Front) isTracing() bool { return f.o.Log.Enabled(f.life, slog.LevelDebug) }
