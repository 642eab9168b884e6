package accesslog

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
)

// sink writes whole lines to a writer that need not be safe for concurrent use.
type sink struct {
	mu     sync.Mutex
	w      io.Writer
	form   string
	head   func() [][]byte // lines that come before the first; nil when there are none left
	failed atomic.Bool
}

// line writes one line, with its end, in one call of Write. The first failure is told to slog.Default, which is asked for
// only then: it may have been set after the log was made.
func (s *sink) line(b []byte) {
	if err := s.write(b); err != nil && !s.failed.Swap(true) {
		slog.Default().Error("cannot write the access log; lines are lost, and this is said once",
			slog.String("form", s.form), slog.Any("error", err))
	}
}

func (s *sink) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head != nil {
		for _, line := range s.head() {
			if _, err := s.w.Write(line); err != nil {
				return err // all of them come again with the next line: without them no line can be read
			}
		}
		s.head = nil
	}
	_, err := s.w.Write(b)
	return err
}

// buffers hold a line until it is written.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 512)) }}

// maxKept is the largest buffer that is used again: a request with enormous headers does not keep its memory.
const maxKept = 16 << 10

func getBuffer() *[]byte {
	b := buffers.Get().(*[]byte)
	*b = (*b)[:0]
	return b
}

func putBuffer(b *[]byte) {
	if cap(*b) <= maxKept {
		buffers.Put(b)
	}
}
