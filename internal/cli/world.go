// Package cli is gorun's command line: one file for each verb, flags in, exit status out. It gathers the world
// (arguments, environment, streams, signals, the working directory) once, into values that the packages below it
// take, and it renders what they say through package ui. It decides nothing else.
//
// Everything runs on the goroutine of Main but what says otherwise.
package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/host"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/internal/ui"
)

// world is what gorun was started with.
type world struct {
	args                  []string // without the program's name
	environ               []string
	dir                   string // the working directory, absolute
	stdin, stdout, stderr *os.File

	ui *ui.UI // how things look; made once the flags are known
}

// Main runs gorun and returns its exit status.
func Main() int {
	w := &world{args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	w.look(false, ui.Minimal)
	dir, err := os.Getwd()
	if err != nil {
		return w.failed(err)
	}
	w.dir = dir
	w.look(false, ui.Minimal)
	return w.run()
}

// look decides how things look from now on.
func (w *world) look(noColor bool, verbosity ui.Verbosity) {
	w.ui = ui.New(ui.Options{
		Stdout: w.stdout, Stderr: w.stderr, Getenv: w.getenv, Dir: w.dir, NoColor: noColor, Verbosity: verbosity,
	})
}

// failed tells of an error and returns the exit status for it.
func (w *world) failed(err error) int {
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if interrupted, ok := errors.AsType[*host.InterruptedError](err); ok {
		return signalStatus(interrupted.Signal)
	}
	if failed, ok := errors.AsType[*gobuild.BuildError](err); ok {
		// What the compiler says is shown as it says it: people and editors know how to read that.
		fmt.Fprint(w.stderr, failed.Text)
		err = &shownError{failed}
	}
	w.ui.Problem(withSources(err))
	if _, ok := errors.AsType[*UsageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// shownError is a failed build whose problems were shown already.
type shownError struct{ failed *gobuild.BuildError }

func (e *shownError) Error() string { return e.failed.Error() }

// Hint is that of the build.
func (e *shownError) Hint() string { return e.failed.Hint() }

// exitStatus is the error of a command that has said everything and ends with this status.
type exitStatus int

func (e exitStatus) Error() string { return "exit status" }

// signalStatus is what a shell gives for a program that a signal ended.
func signalStatus(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailed
}

func (w *world) getenv(name string) string {
	for i := len(w.environ) - 1; i >= 0; i-- { // the last of equal names counts
		if value, ok := strings.CutPrefix(w.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// interactive reports whether a person watches: stderr, where gorun's story goes, is a terminal, and CI is not set.
func (w *world) interactive() bool {
	ci := w.getenv("CI")
	return term.IsTerminal(int(w.stderr.Fd())) && (ci == "" || ci == "false" || ci == "0")
}

// cacheDir is where binaries are kept.
func (w *world) cacheDir() (string, error) {
	if dir := w.getenv("GORUN_CACHE"); dir != "" {
		return w.abs(dir), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", &noCacheError{err}
	}
	return filepath.Join(dir, "gorun"), nil
}

// spareDir is where binaries are kept when cacheDir cannot be written to: one folder of this user's for temporary files.
func spareDir() string {
	owner := strconv.Itoa(os.Getuid())
	if owner == "-1" { // Windows, where each user has a folder for temporary files
		owner = "cache"
	}
	return filepath.Join(os.TempDir(), "gorun-"+owner)
}

// noCacheError is a user without a cache folder.
type noCacheError struct{ err error }

func (e *noCacheError) Error() string {
	return "there is no folder for what is built: " + e.err.Error()
}

func (e *noCacheError) Unwrap() error { return e.err }

// Hint says how to give one.
func (e *noCacheError) Hint() string { return "set GORUN_CACHE to a folder, or HOME" }

func (w *world) runDir() (string, error) { return runs.Dir(w.getenv) }

// signals delivers what ends or concerns a run, until stop is called. A signal that gorun was started to ignore, as
// by nohup, stays ignored.
func signals() (received <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 16)
	for _, sig := range passedOn {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
	return c, func() { signal.Stop(c) }
}
