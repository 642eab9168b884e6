package load

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

// TestIdleConns has lost connections be counted, and a few of them be enough.
func TestIdleConns(t *testing.T) {
	t.Parallel()
	c := Idle{conns: make([]net.Conn, 10_000)}
	calls := make(chan int, len(c.conns))
	errs := c.each(t.Context(), func(_ context.Context, i int) error {
		calls <- i
		return errors.New("lost")
	})
	if len(errs) < patience || len(errs) > patience+idleClients || len(calls) != len(errs) {
		t.Errorf("%d errors of %d calls", len(errs), len(calls))
	}
	seen := make([]bool, len(c.conns))
	seeing := make(chan int, len(c.conns))
	if errs := c.each(t.Context(), func(_ context.Context, i int) error { seeing <- i; return nil }); len(errs) > 0 {
		t.Error(errs)
	}
	close(seeing)
	for i := range seeing {
		seen[i] = true
	}
	if slices.Contains(seen, false) {
		t.Error("one was left out")
	}
}
