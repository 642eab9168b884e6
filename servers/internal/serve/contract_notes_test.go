package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// notes is what handlers saw, and the gates by which they and the client keep step. It may be used by several goroutines.
type notes struct {
	t      *testing.T
	client string // its address
	ended  chan struct{}
	later  chan func() // for promise.after

	mu    sync.Mutex
	text  []string
	gates map[string]chan struct{}
}

func newNotes(t *testing.T) *notes {
	return &notes{t: t, ended: make(chan struct{}, 1000), later: make(chan func(), 10), gates: map[string]chan struct{}{}}
}

// counting notes each call of h, and tells when it has returned or panicked.
func (n *notes) counting(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/probe" {
			answerProbe(w)
			return
		}
		n.note("%s %s", r.Method, r.RequestURI)
		defer func() { n.ended <- struct{}{} }()
		h(n, w, r)
	})
}

// returned waits until so many handlers have returned.
func (n *notes) returned(calls int) {
	n.t.Helper()
	for i := range calls {
		select {
		case <-n.ended:
		case <-time.After(longest):
			n.t.Fatalf("%d handlers have returned, want %d", i, calls)
		}
	}
}

func (n *notes) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, neutral(fmt.Sprintf(format, args...)))
}

func (n *notes) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.text)
}

// wrote notes what a Write or a copy returned.
func (n *notes) wrote(written int, err error) { n.note("wrote %d, %s", written, kind(err)) }

func (n *notes) copied(written int64, err error) { n.note("copied %d, %s", written, kind(err)) }

func (n *notes) got(what string, err error) { n.note("%s: %s", what, kind(err)) }

// read notes what is left of a body.
func (n *notes) read(body io.Reader) {
	b, err := io.ReadAll(body)
	n.note("read %q, %s", shortened(string(b)), kind(err))
}

func (n *notes) gate(name string) chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gates[name] == nil {
		n.gates[name] = make(chan struct{})
	}
	return n.gates[name]
}

// open lets those go on who await the gate. It is called once for each.
func (n *notes) open(name string) { close(n.gate(name)) }

func (n *notes) await(name string) { n.done(name, n.gate(name)) }

// done waits for c.
func (n *notes) done(name string, c <-chan struct{}) {
	select {
	case <-c:
	case <-time.After(longest):
		n.t.Errorf("waited in vain for %s", name)
	}
}

// kind names an error by what a handler can find out about it.
func kind(err error) string {
	for name, known := range map[string]error{
		"EOF": io.EOF, "unexpected EOF": io.ErrUnexpectedEOF, "ErrContentLength": http.ErrContentLength,
		"ErrBodyNotAllowed": http.ErrBodyNotAllowed, "ErrHijacked": http.ErrHijacked,
		"ErrBodyReadAfterClose": http.ErrBodyReadAfterClose, "ErrNotSupported": errors.ErrUnsupported,
		"ErrHandlerTimeout": http.ErrHandlerTimeout, "deadline exceeded": os.ErrDeadlineExceeded,
		"canceled": context.Canceled, "closed": net.ErrClosed,
		"source failed": errSource, "connection lost": syscall.ECONNRESET, "pipe broken": syscall.EPIPE,
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Sprintf("more than %d bytes", tooLarge.Limit)
	}
	return fmt.Sprint(err)
}

// errorLog is what a server logged as an error, the first line of each entry.
type errorLog struct {
	mu   sync.Mutex
	text []string
}

func (l *errorLog) standard() *log.Logger       { return log.New(l, "", 0) }
func (l *errorLog) structured() *slog.Logger    { return slog.New(slogErrors{l}) }
func (l *errorLog) Write(p []byte) (int, error) { l.add(string(p)); return len(p), nil }

func (l *errorLog) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, more, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if strings.Contains(more, "_test.go:") {
		line += " (with the stack)"
	}
	l.text = append(l.text, neutral(line))
}

func (l *errorLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.text)
}

// slogErrors gives entries at Error to an errorLog, an attribute a line.
type slogErrors struct{ *errorLog }

func (slogErrors) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (s slogErrors) WithAttrs([]slog.Attr) slog.Handler             { return s }
func (s slogErrors) WithGroup(string) slog.Handler                  { return s }

func (s slogErrors) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += "\n" + a.Value.String()
		return true
	})
	s.add(text)
	return nil
}
