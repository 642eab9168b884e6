//go:build unix

package host

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/profiles"
)

// The plan's signal takes the place of SIGTERM, of SIGHUP and of the end of the context, but not of Ctrl+C, which a
// terminal has sent already.
func TestStopSignal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signal os.Signal // nil ends the context
		want   syscall.Signal
	}{
		"SIGTERM": {syscall.SIGTERM, syscall.SIGUSR1},
		"SIGHUP":  {syscall.SIGHUP, syscall.SIGUSR1},
		"context": {nil, syscall.SIGUSR1},
		"SIGINT":  {syscall.SIGINT, syscall.SIGINT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := listening(t, "tell", nil, func(p *profiles.Plan) { p.Stop.Signal.Value = "SIGUSR1" })
			if test.signal == nil {
				r.cancel()
			} else {
				r.signals <- test.signal
			}
			if e := r.next(event.Stopping); e.Signal != signalName(test.want) {
				t.Errorf("event %+v", e)
			}
			r.ended(64 + int(test.want))
		})
	}
}

// Signals that do not stop are passed on, and that is all.
func TestOtherSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	r := listening(t, "tell", nil)
	r.signals <- syscall.SIGUSR2
	if result := r.ended(64 + int(syscall.SIGUSR2)); result.Stopped || r.count(event.Stopping) > 0 {
		t.Errorf("%+v, events %v", result, r.kinds())
	}

	r = listening(t, "stubborn", func(h *host) { h.Stderr = nil }) // Go programs end by SIGQUIT, with their stacks
	r.signals <- syscall.SIGQUIT
	if result := r.ended(2); !result.Stopped {
		t.Errorf("%+v", result)
	}
}

// A folder that others can use is not trusted with a record.
func TestOpenRunDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := begin(t, as(t, "exit", "0"), func(h *host) { h.RunDir = dir })
	r.ended(0)
	if r.seen[0].Kind != event.Warned || !strings.Contains(r.seen[0].Diagnostics[0].Suggestion, "chmod 700") {
		t.Errorf("events %+v", r.seen)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v were written", entries, err)
	}
}
