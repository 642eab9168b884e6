package reverseproxy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// quietMove is how long the old processes may still accept after the new ones have been seen, on a system that does
// not show who listens: nginx gives the new ones 100 ms before it tells the old ones.
const quietMove = 500 * time.Millisecond

// Move has the front use the app at another address, from where it must answer already. The old app is to run on until
// Move returns: requests that have begun end there, and those that come meanwhile may go to either.
//
// It returns nil when no request goes to the old address any more. When ctx ends before that, it is a *DrainingError
// if only requests that began earlier are left there, such as WebSockets, and otherwise the cause of ctx. A
// *ConfigError has changed nothing. Moves take turns. It is os.ErrProcessDone, or what Wait returns, when the front
// has ended.
//
// Idle connections of clients are closed, as both programs do when they are reloaded: a client that sends on one at
// that very moment sees it closed before an answer, and has to try again, as HTTP clients do by themselves.
func (f *Front) Move(ctx context.Context, app endpoint.Endpoint) error {
	select {
	case <-f.turn:
		defer func() { f.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-f.done:
	}
	select {
	case <-f.done:
		return f.ended()
	default:
	}
	if err := f.rewrite(ctx, app); err != nil {
		return err
	}
	old := f.workers()
	if err := f.tree.Signal(reloadSignal(f.config.Program.Kind)); err != nil {
		return err
	}
	accepts, err := f.awaitWorkers(ctx, old)
	if ctx.Err() != nil && err != nil && !accepts {
		return &DrainingError{Kind: f.config.Program.Kind, PIDs: f.still(old), Err: err}
	}
	return err
}

// ended is the error of whoever wants something of a front that has ended.
func (f *Front) ended() error {
	if f.err != nil {
		return f.err
	}
	return os.ErrProcessDone
}

// rewrite puts a new configuration in the place of the old one, when the program finds it good: a running Apache that
// is told to read a bad one ends.
func (f *Front) rewrite(ctx context.Context, app endpoint.Endpoint) error {
	next := f.config
	next.App = app
	if err := next.Check(); err != nil {
		return err
	}
	file := f.dialect.file()
	path := filepath.Join(f.folder, file+".new")
	if err := os.WriteFile(path, []byte(next.Text()), 0o600); err != nil {
		return err
	}
	if err := f.test(ctx, next, file+".new"); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if err := os.Rename(path, filepath.Join(f.folder, file)); err != nil {
		return err
	}
	f.config.App = app
	return nil
}

// test has the program check a file of the folder that holds c.
func (f *Front) test(ctx context.Context, c Config, file string) error {
	out, err := os.CreateTemp(f.folder, "test-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	tree, err := process.Start(f.spec(file, out, "-t"))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = tree.Kill() })()
	status, err := tree.Wait()
	if err != nil || status == (process.Status{}) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	said, err := os.ReadFile(out.Name())
	if err != nil {
		return err
	}
	message := strings.TrimSpace(string(said))
	path := filepath.Join(f.folder, file)
	return c.mistake(strings.Split(message, "\n"), path, &ConfigError{Kind: c.Program.Kind, Path: path, Message: message})
}

// workers are the processes that serve requests.
func (f *Front) workers() []int {
	return slices.DeleteFunc(f.tree.PIDs(), func(pid int) bool { return pid == f.tree.PID() })
}

// still are those of the old processes that have not ended. Each is asked for: a list of children that is read while some of
// them end may lack one that lives.
func (f *Front) still(old []int) []int {
	return slices.DeleteFunc(slices.Clone(old), func(pid int) bool { return !lives(pid) })
}

// awaitWorkers waits until there are new processes and none of the old ones is left. accepts says whether old ones
// may still have taken new connections at the end.
func (f *Front) awaitWorkers(ctx context.Context, old []int) (accepts bool, err error) {
	accepts = true
	var renewed time.Time // when new ones were first seen
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		select {
		case <-f.done:
			return accepts, f.ended()
		case <-ctx.Done():
			return accepts, context.Cause(ctx)
		case <-time.After(pause):
		}
		left := f.still(old)
		if renewed.IsZero() && len(f.workers()) > len(left) {
			renewed = time.Now()
		}
		if renewed.IsZero() {
			continue
		}
		if accepts = accept(left, renewed); len(left) == 0 {
			return false, nil
		}
	}
}

// accept reports whether one of the processes may have a listening socket.
func accept(pids []int, renewed time.Time) bool {
	listeners, err := sockets.Owned(pids)
	if errors.Is(err, errors.ErrUnsupported) {
		return time.Since(renewed) < quietMove
	}
	return err != nil || len(listeners) > 0
}
