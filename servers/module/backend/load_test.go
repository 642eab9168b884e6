package backend

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// load sends requests from several sides until stop is called, and gives their failures to failed.
func (w *world) load(failed func(p *Process, err error)) (stop func()) {
	var stopped atomic.Bool
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for !stopped.Load() {
				p := w.Ready()
				if p == nil {
					var err error
					if p, err = w.Get(w.t.Context()); err != nil {
						failed(nil, err)
						continue
					}
				}
				if text, err := browse(p, "/"); err != nil || text != "behind" {
					failed(p, err)
				}
				p.Release()
			}
		})
	}
	return func() {
		stopped.Store(true)
		workers.Wait()
	}
}

// TestD16: other options under load, and no request fails.
func TestD16_ConfigurationTouchedStress(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(func(o *Options) { o.Processes = 2 })
	stop := w.load(func(_ *Process, err error) { t.Errorf("a request failed: %v", err) })
	for range 5 {
		ready := len(w.all(event.ProcessReady))
		w.Recycle(w.options)
		w.expect(event.ProcessReady, ready+2)
	}
	stop()
	if n := len(w.all(event.Restarting)); n != 0 {
		t.Errorf("%d processes count as crashed", n)
	}
	if n := len(w.all(event.Killing)); n != 0 {
		t.Errorf("%d processes were killed", n)
	}
}

// Processes are killed under load: each failure is told, and in the end all is well again.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(func(o *Options) { o.Processes, o.RapidFailsPerMinute = 2, -1 })
	stop := w.load(func(p *Process, err error) {
		if p == nil {
			t.Errorf("Get: %v", err)
			return
		}
		p.Failed()
	})
	for i := range 6 {
		p := w.get()
		_ = p.tree.Kill()
		closes(t, "the process ends", p.Exited())
		p.Release()
		w.expect(event.Restarting, i+1)
	}
	stop()
	for range 2 {
		if got := w.page("/"); got != "behind" {
			t.Errorf("got %q", got)
		}
	}
}
