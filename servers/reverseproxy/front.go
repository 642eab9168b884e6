package reverseproxy

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// Options is what a front is run with.
type Options struct {
	Env []string // the program's environment; its TMPDIR is the front's folder
	Dir string   // where the front's folder is made; "" is the system's folder for temporary files

	// Errors gets the program's log, as lines "nginx: error: ...", from one goroutine at a time; nil: nobody does.
	// That an app does not answer is told in plain words, at most once a second.
	Errors io.Writer
}

// Front is a program that runs in front of an app.
//
// Two goroutines belong to it: one reads what the program writes, one waits for its end and then removes its files.
// Both have ended when Wait returns.
type Front struct {
	config   Config
	folder   string
	dialect  dialect
	tree     *process.Tree
	lines    *lines
	env      []string
	turn     chan struct{} // holds one value while nobody moves it
	release  func()        // gives up the claim to the folder
	stopping atomic.Bool

	done chan struct{} // closed when nothing is left; err is set by then
	err  error
}

// Start runs the front, and returns when it listens on all public addresses; the app need not be there yet. ctx
// limits the start, and so does StartLimit; to end the front is up to Stop. When it fails nothing is left, and the
// error is that of Config.Check, a *CertificateError, *PortInUseError, *ConfigError, *ExitError, *process.StartError,
// or the cause of ctx.
func Start(ctx context.Context, c Config, o Options) (*Front, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c.IPv4Only = c.IPv4Only || !hasIPv6()
	var front *Front
	var err error
	for range pickAttempts { // a port that was picked may be taken by somebody else before the program has it
		picked, pickErr := c.pickPorts()
		if pickErr != nil {
			return nil, pickErr
		}
		front, err = start(ctx, picked, o)
		if _, taken := errors.AsType[*PortInUseError](err); !taken || slices.EqualFunc(picked.Public, c.Public, samePort) {
			break
		}
	}
	return front, err
}

func start(ctx context.Context, c Config, o Options) (*Front, error) {
	if err := c.checkPorts(); err != nil {
		return nil, err
	}
	sweep(o.Dir, c.Program.Kind)
	folder, err := makeFolder(o.Dir, c)
	if err != nil {
		return nil, err
	}
	f := &Front{
		release: claim(folder),
		config:  c, folder: folder, dialect: dialects[c.Program.Kind], env: environment(o.Env, folder),
		turn: make(chan struct{}, 1), done: make(chan struct{}),
	}
	f.turn <- struct{}{}
	f.lines = &lines{dialect: f.dialect, out: o.Errors}
	if err := f.launch(); err != nil {
		f.clean()
		return nil, err
	}
	if err := f.awaitReady(ctx); err != nil {
		_ = f.tree.Kill() // when it cannot be, it is gone
		<-f.done
		return nil, f.startError(err)
	}
	f.lines.start()
	return f, nil
}

// environment is the program's. NGINX names sockets that one nginx hands to another.
func environment(env []string, folder string) []string {
	own := slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		return strings.HasPrefix(variable, "TMPDIR=") || strings.HasPrefix(variable, "NGINX=")
	})
	return append(own, "TMPDIR="+folder)
}

// spec is how the program is called with a configuration file of the folder.
func (f *Front) spec(file string, out *os.File, more ...string) process.Spec {
	return process.Spec{
		Path: f.config.Program.Path, Args: append(f.dialect.args(f.folder, file), more...),
		Env: f.env, Dir: f.folder, Stdout: out, Stderr: out,
	}
}

// launch starts the program and the goroutines.
func (f *Front) launch() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer write.Close()
	if f.tree, err = process.Start(f.spec(f.dialect.file(), write)); err != nil {
		read.Close()
		return err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer read.Close()
		f.lines.read(read)
	}()
	go func() {
		defer close(f.done)
		status, err := f.tree.Wait()
		<-written
		f.clean()
		if err == nil && !f.stopping.Load() {
			err = &ExitError{Kind: f.config.Program.Kind, Status: status, Output: f.lines.last()}
		}
		f.err = err
	}()
	return nil
}

// clean removes what the front has made.
func (f *Front) clean() {
	for _, p := range f.config.Public {
		if p.Unix != "" {
			removeSocket(p.Unix)
		}
	}
	f.release()
	_ = os.RemoveAll(f.folder) // a file that stays does no harm
}

// PID is the program's.
func (f *Front) PID() int { return f.tree.PID() }

// Endpoints are the public addresses, with the ports that were picked.
func (f *Front) Endpoints() []endpoint.Endpoint {
	var list []endpoint.Endpoint
	for _, p := range f.config.Public {
		list = append(list, p.Endpoint)
	}
	return list
}

// Done is closed when the front has ended.
func (f *Front) Done() <-chan struct{} { return f.done }

// Wait returns when the front has ended and nothing of it is left, neither a process nor a file. The error is nil
// after Stop, and an *ExitError when it ended by itself. It may be called several times, with the same result.
func (f *Front) Wait() error {
	<-f.done
	return f.err
}

// Stop ends the front: it accepts nothing more, and has until the end of ctx for the requests that it serves. Then it
// is killed. Stop returns what Wait does. It may be called several times and at once.
func (f *Front) Stop(ctx context.Context) error {
	f.stopping.Store(true)
	_ = f.tree.Signal(stopSignal(f.config.Program.Kind)) // one that has ended needs none
	asked := false
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		select {
		case <-f.done:
			return f.err
		case <-ctx.Done():
			_ = f.tree.Kill()
			return f.Wait()
		case <-time.After(pause):
		}
		// Apache looks once a second whether the last of its processes has ended.
		if !asked && len(f.tree.PIDs()) == 1 {
			asked = true
			_ = f.tree.Signal(endSignal())
		}
	}
}

// startError is why a front that was to start has not. Its own words are read for what they tell.
func (f *Front) startError(err error) error {
	exit, ended := errors.AsType[*ExitError](err)
	if !ended {
		return err
	}
	exit.Output = f.lines.last()
	if inUse := f.config.checkPorts(); inUse != nil && mentions(exit.Output, "ddress already in use") {
		return inUse
	}
	return f.config.mistake(exit.Output, filepath.Join(f.folder, f.dialect.file()), exit)
}

func mentions(lines []string, text string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) })
}

// mistake is what the program found wrong in the file at path, or otherwise when it tells of nothing.
func (c Config) mistake(output []string, path string, otherwise error) error {
	line, message := dialects[c.Program.Kind].place(output, path)
	if line == 0 {
		return otherwise
	}
	e := &ConfigError{Kind: c.Program.Kind, Path: path, Line: line, Message: message}
	if all := strings.Split(c.Text(), "\n"); line <= len(all) {
		e.Text = all[line-1]
	}
	return e
}
