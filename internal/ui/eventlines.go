package ui

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

const (
	queuedEvents = 4096            // a reader that is further behind is taken for one that has stopped reading
	lastWords    = 2 * time.Second // how long Close waits for the reader
	lastWrite    = time.Second     // and then for a Write that the closing interrupts
)

// ErrSlowReader is why EventLines stopped: nobody reads what it writes.
var ErrSlowReader = errors.New("nobody reads the events")

// EventLines writes events as JSON, one object a line. Its Emit is an event.Emit: it may be called from several
// goroutines and never waits for the reader. What cannot be written stops it for good, so that a reader sees all
// events up to some point and never a gap; Err tells.
//
// It has one goroutine, from NewEventLines to Close, which alone writes. A nil *EventLines is silent.
type EventLines struct {
	w     io.WriteCloser
	lines chan []byte
	done  chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex
	closed bool
	err    error
}

// NewEventLines begins to write to w, which it closes in the end.
func NewEventLines(w io.WriteCloser) *EventLines {
	l := &EventLines{w: w, lines: make(chan []byte, queuedEvents), done: make(chan struct{})}
	go l.run()
	return l
}

func (l *EventLines) run() {
	defer close(l.done)
	for line := range l.lines {
		if l.Err() != nil {
			continue // Close must find an end
		}
		if _, err := l.w.Write(line); err != nil {
			l.fail(err)
		}
	}
}

// Emit queues one event. After an error or Close it does nothing.
func (l *EventLines) Emit(e event.Event) {
	if l == nil {
		return
	}
	line, err := encoded(e, "")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.err != nil {
		return
	}
	if err != nil {
		l.err = err
		return
	}
	select {
	case l.lines <- line:
	default:
		l.err = ErrSlowReader
	}
}

// Err is the first error, or nil.
func (l *EventLines) Err() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *EventLines) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// Close writes what is queued, waiting up to two seconds for a reader that does not read, closes the writer and
// returns the first error. A Write that the
// closing does not interrupt, as on a descriptor in blocking mode, is given up after one more second. A second Close does nothing.
func (l *EventLines) Close() error {
	if l == nil || !l.end() {
		return l.Err()
	}
	if !l.ended(lastWords) {
		l.fail(ErrSlowReader)
	}
	if err := l.w.Close(); err != nil {
		l.fail(err)
	}
	l.ended(lastWrite)
	return l.Err()
}

// ended waits for the goroutine, for so long, and reports whether it has ended.
func (l *EventLines) ended(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-l.done:
		return true
	case <-timer.C:
		return false
	}
}

// end closes the queue and reports whether this was the first time.
func (l *EventLines) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	close(l.lines)
	return true
}
