package gobuild

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/stamp"
)

// Binary is a program that was built.
type Binary struct {
	Path         string // absolute
	Name         string // of the program
	GOOS, GOARCH string // the system that it is for
	Text         string // what the toolchain printed although it succeeded, such as a linker's warnings
}

// Runnable returns a *ForeignError when this system cannot run the binary; nil when it can or may be able to.
func (b Binary) Runnable() error {
	if b.GOOS == runtime.GOOS && (b.GOARCH == runtime.GOARCH || translated(b.GOARCH)) {
		return nil
	}
	return &ForeignError{Name: b.Name, GOOS: b.GOOS, GOARCH: b.GOARCH}
}

// translated reports whether this system runs programs for goarch besides its own.
func translated(goarch string) bool {
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64", "windows/amd64", "freebsd/amd64":
		return goarch == "386"
	case "darwin/arm64", "windows/arm64":
		return goarch == "amd64" || runtime.GOOS == "windows" && goarch == "386"
	}
	return false
}

// Build makes the binary of a target at out, which is what Output gave, unless the one that is there was made from
// the very same. Where it calls the go command, it tells emit how that goes: BuildStarted with the reasons, then
// BuildDone or BuildFailed; before that BuildWaiting, when another process builds the same output, whose result is
// then used. A binary that runs at this moment goes on undamaged, and when the build does not succeed, the last good
// one stays. Build is the only place that decides whether the go command is called.
//
// When ctx is done, the go command and all that it started are interrupted, and the error is the cause of ctx.
// Errors that a user can do something about are *BuildError, *NoGoError, *CacheError and *FlagError.
func Build(ctx context.Context, t Target, o Options, out string, emit event.Emit) (Binary, error) {
	binary := Binary{Path: out, Name: t.Name}
	binary.GOOS, binary.GOARCH = o.environment().platform()
	x, err := examine(ctx, t, o, out)
	if err != nil {
		return Binary{}, err
	}
	if x.fresh() {
		x.keep(out)
		return binary, nil
	}
	work, unlock, err := enter(ctx, t, out, func(pid int) {
		emit.Tell(event.Event{Kind: event.BuildWaiting, Program: t.Name, PID: pid})
	})
	if err != nil {
		return Binary{}, err
	}
	defer unlock()
	defer os.RemoveAll(work)
	if !x.stands(out) {
		if x, err = examine(ctx, t, o, out); err != nil {
			return Binary{}, err
		} else if x.fresh() {
			return binary, nil
		}
	}
	if binary.Text, err = x.build(ctx, t, o, out, work, emit); err != nil {
		return Binary{}, err
	}
	sweep(out)
	return binary, nil
}

// build calls the go command and tells emit about it.
func (x examination) build(ctx context.Context, t Target, o Options, out, work string, emit event.Emit) (text string, err error) {
	start := time.Now()
	emit.Tell(event.Event{Kind: event.BuildStarted, Program: t.Name, Reasons: sentences(x.reasons)})
	text, err = x.compile(ctx, t, o, out, work)
	done := event.Event{Kind: event.BuildDone, Program: t.Name, Path: out, Text: text, Duration: float64(time.Since(start).Microseconds()) / 1000}
	if err != nil {
		done.Kind, done.Path = event.BuildFailed, ""
		if failed, ok := errors.AsType[*BuildError](err); ok {
			done.Diagnostics, done.Text = failed.Problems, failed.Text
		}
	}
	emit.Tell(done)
	return text, err
}

func sentences(reasons []Reason) []string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.String()
	}
	return texts
}

// Built returns a *NotBuiltError when there is no binary at out, for those who want to run what is there.
func Built(t Target, out string) error {
	if isFile(out) {
		used(out)
		return nil
	}
	return &NotBuiltError{Name: t.Name, Configuration: Configuration(filepath.Base(filepath.Dir(out))), Path: out}
}

// compile calls the go command, puts what it made in place and writes its stamp. It returns what was printed.
func (x examination) compile(ctx context.Context, t Target, o Options, out, work string) (text string, err error) {
	listing := x.list(ctx, t, o)
	defer listing.stop()
	text, err = x.make(ctx, t, o, out, filepath.Join(work, filepath.Base(out)))
	os.RemoveAll(work) // with its name for the binary, which is part of the binary's state
	if err != nil {
		x.restore(out)
		return "", err
	}
	x.record(ctx, t, o, out, x.inputs(t, o, listing)) // without a stamp the next start asks the go command again, and that is all
	return text, nil
}

// make calls `go build` for a binary at made and puts that in the place of out.
func (x examination) make(ctx context.Context, t Target, o Options, out, made string) (text string, err error) {
	if x.seed {
		seed(out, made)
	}
	printed, err := run(ctx, x.tools.command, t, o, made)
	messages := newReader(t, o)
	text = messages.text(printed)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", &BuildError{Name: t.Name, Text: text, Problems: messages.problems(text, err)}
	}
	if err := replace(made, out, filepath.Dir(made)); err != nil {
		return "", &CacheError{Dir: cacheOf(out), Err: err}
	}
	return text, nil
}

// listing is a call of listPackages beside that of `go build`.
type listing struct {
	cancel   context.CancelFunc
	done     chan struct{}
	packages []listed
	err      error
}

// list asks the go command what the program is made of, unless it is made of the same files as before. Without an
// older stamp it waits for the answer and looks at all of it: what changed shortly before the build could otherwise not
// be told from what changes meanwhile.
func (x *examination) list(ctx context.Context, t Target, o Options) *listing {
	if !x.wide() {
		return nil
	}
	x.lookAtNew(t, o)
	ctx, cancel := context.WithCancel(ctx)
	l := &listing{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.packages, l.err = listPackages(ctx, x.tools.command, t, o)
	}()
	if x.old != nil {
		return l
	}
	in := x.inputs(t, o, l)
	x.stamp = stamp.Snapshot(rules, in.paths(), in.folders)
	return l
}

func (l *listing) wait() ([]listed, error) {
	<-l.done
	return l.packages, l.err
}

func (l *listing) stop() {
	if l == nil {
		return
	}
	l.cancel()
	<-l.done
}

// goDelay is the time to end that a tool has after it was interrupted: go ends its compilers and removes its own
// temporary folder.
const goDelay = 5 * time.Second

// run calls `go build` and returns what it printed.
func run(ctx context.Context, goCommand string, t Target, o Options, made string) (string, error) {
	args := append([]string{"build", "-o", made}, Flags(t, o)...)
	cmd := goTool(ctx, goCommand, t, o, append(args, t.patterns()...))
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := runTool(cmd)
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // a compiler cache's server was started, and keeps the pipe open
	}
	if ctx.Err() != nil {
		killGroup(cmd)
	}
	return printed.String(), err
}

// workPrefix begins the name of the folder that one build works in, beside the binary.
const workPrefix = ".building-"

// staleAfter is how long the folder of a build that was killed stays: no build takes a day.
const staleAfter = 24 * time.Hour

// enter takes the lock of an output and makes a folder for this build. Who cleans the cache at this moment may remove
// folders in between; then they are made again.
func enter(ctx context.Context, t Target, out string, waiting func(pid int)) (work string, unlock func(), err error) {
	for range 10 {
		if err = os.MkdirAll(filepath.Dir(filepath.Dir(out)), 0o700); err == nil {
			unlock, err = lock(ctx, out, waiting)
		}
		if err == nil {
			if work, err = prepare(t, out); err == nil {
				return work, unlock, nil
			}
			unlock()
		}
		if ctx.Err() != nil {
			return "", nil, context.Cause(ctx)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return "", nil, &CacheError{Dir: cacheOf(out), Err: err}
}

// prepare makes the folders of an output and returns a fresh one in it for this build.
func prepare(t Target, out string) (work string, err error) {
	dir := filepath.Dir(out)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := writeRecord(t, out); err != nil {
		return "", err
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), workPrefix) && time.Since(info.ModTime()) > staleAfter {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return os.MkdirTemp(dir, workPrefix)
}

// seed gives the go command the last binary as what it builds over: it sees from the build id inside that nothing
// changed, and does not link again. The go command never writes into a file that is there, so that a second name for
// the binary is enough, except on Windows, where the name of a running program cannot be removed. Without a seed the
// build only takes longer; what is no Go binary, the go command would refuse to build over.
func seed(out, made string) {
	if _, err := buildinfo.ReadFile(out); err != nil {
		return
	}
	if runtime.GOOS != "windows" && os.Link(out, made) == nil {
		return
	}
	if err := copyFile(out, made); err != nil {
		os.Remove(made)
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, in)
	return errors.Join(err, dst.Close())
}

// replace puts a new binary in the place of the old one at once. Where a running program stands in the way, as on
// Windows, that one is moved aside to the build's folder, which goes away later than the build in that case.
func replace(made, out, work string) error {
	oldInfo, oldErr := os.Stat(out)
	newInfo, err := os.Stat(made)
	if err != nil {
		return err
	}
	if oldErr == nil && os.SameFile(oldInfo, newInfo) {
		return nil
	}
	err = os.Rename(made, out)
	if err == nil || oldErr != nil {
		return err
	}
	aside := filepath.Join(work, "old-"+filepath.Base(out))
	if os.Rename(out, aside) != nil {
		return err
	}
	if err := os.Rename(made, out); err != nil {
		return errors.Join(err, os.Rename(aside, out))
	}
	return nil
}
