package module

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// reign is one run of a Front. Its goroutine alone decides who has the sockets: it begins and ends phases, one at a time. The
// sockets stay open between two of them, so that clients wait a moment and are not refused.
//
// Its other goroutines: that of the phase, and one for each pool that is given up. run waits for all of them.
type reign struct {
	*Front
	site      *servers.Site
	listeners []servers.Listener
	served    *served
	phase     *phase
	leaving   sync.WaitGroup
}

// phase is a time in which the sockets are served in one way: by the front, or, with hand-over, by the app.
type phase struct {
	handsOver bool
	end       context.CancelFunc
	done      chan error   // gets one value when the phase is over, and nil when that was taken
	renewed   chan *served // the app as it is now, where it has changed; keeps the latest
}

func (p *phase) renew(s *served) {
	select {
	case <-p.renewed:
	default:
	}
	p.renewed <- s // there is room: nobody else sends
}

func newReign(f *Front, site *servers.Site, listeners []servers.Listener) (*reign, error) {
	s, err := f.first(f.o.App)
	if err != nil {
		return nil, err
	}
	r := &reign{Front: f, site: site, listeners: listeners}
	r.setServed(s)
	return r, nil
}

func (r *reign) setServed(s *served) {
	r.served = s
	r.now.Store(s)
}

// run serves until ctx is done, or the sockets cannot be served any more.
func (r *reign) run(ctx context.Context, changes <-chan change) error {
	r.lookOffline()
	r.begin()
	for {
		select {
		case <-ctx.Done():
			return r.stop(nil)
		case err := <-r.phase.done:
			r.phase.done <- nil // for stop
			return r.stop(err)
		case c := <-changes:
			if err := r.heed(ctx, c); err != nil {
				return r.stop(err)
			}
		}
	}
}

// stop ends the phase and the app, both at once: what runs may finish, and nothing new is begun. The sockets are closed as soon
// as they can be, so that new clients are refused and do not wait in vain.
func (r *reign) stop(reason error) error {
	r.stopping.Store(true)
	r.leave(r.served)
	r.phase.end()
	if r.gate != nil && !r.phase.handsOver { // handOver does it itself
		_ = r.gate.Close()
	}
	err := <-r.phase.done
	r.leaving.Wait()
	return errors.Join(reason, err)
}

// leave stops the processes of s, and does not wait.
func (r *reign) leave(s *served) {
	r.leaving.Go(func() {
		if err := s.stop(r.life); err != nil && !errors.Is(err, context.Canceled) {
			r.warn(diagnostic.Diagnostic{Code: "left", Message: err.Error()})
		}
	})
}

// heed does what a change asks for.
func (r *reign) heed(ctx context.Context, c change) error {
	if c == offlineChanged {
		r.lookOffline()
		return r.settle(ctx, nil)
	}
	return r.reload(ctx)
}

// reload has the app served as the settings say now. Those that cannot be used change nothing.
func (r *reign) reload(ctx context.Context) error {
	app, err := r.o.Reload()
	if errors.Is(err, ErrUnchanged) {
		return nil
	}
	var next *served
	if err == nil && app.Hosting != r.served.Hosting {
		if next, err = r.first(app); err == nil && r.offline.Load() != nil {
			next.pool.Drop()
		}
	}
	if err != nil {
		r.warn(cannotReload(err), places(err)...)
		return nil
	}
	r.o.Emit.Tell(event.Event{Kind: event.Recycling, Program: r.o.Name, Reasons: []string{"the settings have changed"}})
	old := r.served
	if next == nil {
		r.setServed(old.next(app))
		return r.settle(ctx, nil)
	}
	r.served = next // who asks in the phase of before has the app of before
	return r.settle(ctx, old)
}

func cannotReload(err error) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{Code: "reload", Message: "the settings have changed and cannot be used, so the app goes on with those of before: " + err.Error()}
}

// places are the problems that an error has, each with its place.
func places(err error) []diagnostic.Diagnostic {
	var placed interface {
		Diagnostics() []diagnostic.Diagnostic
	}
	if errors.As(err, &placed) {
		return placed.Diagnostics()
	}
	return nil
}

// lookOffline looks whether app_offline.htm is there, and has the app stop where it is, and no other start.
func (r *reign) lookOffline() {
	text, there := readOffline(r.o.Root)
	before := r.offline.Load() != nil
	switch {
	case there:
		offline := page.Offline(text)
		r.offline.Store(&offline)
		if !before {
			r.served.pool.Drop()
			r.o.Log.Info("the application is offline, since there is "+offlineName, "program", r.o.Name)
			r.o.Emit.Tell(event.Event{Kind: event.Offline, Program: r.o.Name, Path: filepath.Join(r.o.Root, offlineName)})
		}
	case before:
		r.served.pool.Resume()
		r.offline.Store(nil)
		r.o.Log.Info("the application is online again", "program", r.o.Name)
		r.o.Emit.Tell(event.Event{Kind: event.Online, Program: r.o.Name})
		select {
		case r.online <- struct{}{}:
		default: // it is there already
		}
	}
}

// settle begins another phase where the present one does not fit any more. old is what was served in another hosting model
// until now, nil for nothing: it stops when its requests have been answered.
func (r *reign) settle(ctx context.Context, old *served) error {
	if r.phase.handsOver == r.handsOver() {
		r.now.Store(r.served)
		if r.phase.handsOver {
			r.phase.renew(r.served)
		}
		if old != nil {
			r.leave(old)
		}
		return nil
	}
	err := r.endPhase(ctx, old)
	r.now.Store(r.served)
	if old != nil {
		r.leave(old)
	}
	if err == nil && ctx.Err() == nil { // else stop comes, and nothing is to be started for it
		r.begin()
	}
	return err
}

// handsOver reports whether the app is to accept connections itself.
func (r *reign) handsOver() bool { return r.served.Hosting == InProcess && r.offline.Load() == nil }

func (r *reign) begin() {
	ctx, end := context.WithCancel(context.Background())
	p := &phase{handsOver: r.handsOver(), end: end, done: make(chan error, 1), renewed: make(chan *served, 1)}
	r.phase = p
	s := r.served
	go func() {
		if p.handsOver {
			p.done <- r.handOver(ctx, s, p.renewed)
		} else {
			p.done <- r.accept(ctx, s)
		}
	}()
}

// endPhase waits for the end of the phase, and of the requests to old. When all is to stop meanwhile, old is told at once.
func (r *reign) endPhase(ctx context.Context, old *served) error {
	r.phase.end()
	var stopping <-chan struct{}
	if old != nil {
		stopping = ctx.Done()
	}
	var err error
	select {
	case err = <-r.phase.done:
	case <-stopping:
		r.leave(old)
		err = <-r.phase.done
	}
	r.phase.done <- nil // for stop
	return err
}
