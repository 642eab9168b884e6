package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// buffer is a writer that can be closed.
type buffer struct {
	bytes.Buffer
	closed int
}

func (b *buffer) Close() error { b.closed++; return nil }

func TestEventLines(t *testing.T) {
	t.Parallel()
	var b buffer
	lines := NewEventLines(&b)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				event.Emit(lines.Emit).Tell(event.Event{Kind: event.EndpointReady, Program: fmt.Sprint(i), PID: j + 1, URL: "http://x/?a&b"})
			}
		})
	}
	all.Wait()
	if err := errors.Join(lines.Close(), lines.Close(), lines.Err()); err != nil {
		t.Fatal(err)
	}
	lines.Emit(event.Event{}) // too late, and no harm
	if b.closed != 1 {
		t.Errorf("closed %d times", b.closed)
	}
	last := map[string]int{}
	text := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for _, line := range text {
		var e event.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || !strings.Contains(line, "a&b") || e.Version != event.Version {
			t.Fatalf("%q: %v", line, err)
		}
		if e.PID != last[e.Program]+1 {
			t.Fatalf("program %s: %d after %d", e.Program, e.PID, last[e.Program])
		}
		last[e.Program] = e.PID
	}
	if len(text) != 800 {
		t.Errorf("%d lines", len(text))
	}
}

func TestNilEventLines(t *testing.T) {
	t.Parallel()
	var lines *EventLines
	lines.Emit(event.Event{})
	if err := errors.Join(lines.Err(), lines.Close()); err != nil {
		t.Error(err)
	}
}

func TestEventLinesRememberAnError(t *testing.T) {
	t.Parallel()
	lines := NewEventLines(brokenPipe{})
	for range 10 * queuedEvents {
		lines.Emit(event.Event{})
	}
	if err := lines.Close(); !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, ErrSlowReader) {
		t.Errorf("got %v", err)
	}
}

// TestEventLinesWithoutReader holds that a reader which has stopped reading stops nothing else: with a real pipe.
func TestEventLinesWithoutReader(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines := NewEventLines(w)
	for range 2 * queuedEvents {
		lines.Emit(event.Event{Text: strings.Repeat("x", 200)})
	}
	if err := lines.Close(); !errors.Is(err, ErrSlowReader) {
		t.Errorf("got %v", err)
	}
	select {
	case <-lines.done:
	default:
		t.Error("the goroutine is still there")
	}
}

// stuck is a writer that nothing interrupts.
type stuck struct{ free chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.free; return len(p), nil }
func (s stuck) Close() error                { return nil }

func TestEventLinesGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stuck{make(chan struct{})}
		lines := NewEventLines(w)
		lines.Emit(event.Event{})
		begin := time.Now()
		if err := lines.Close(); !errors.Is(err, ErrSlowReader) || time.Since(begin) != lastWords+lastWrite {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		close(w.free)
		<-lines.done
	})
}
