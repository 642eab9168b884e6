package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// What gorun, which cannot import package wire, has to name of it.
type (
	Hello       = wire.Hello
	State       = wire.State
	Registered  = wire.Registered
	WorkerState = wire.WorkerState
)

// Tool is the Role of a command.
const Tool = wire.Tool

// Folder says where the broker of this user is. It need not be there. getenv must not be nil. Errors are a *wire.FolderError, with
// a hint, and errors.ErrUnsupported where there are no brokers.
func Folder(getenv func(string) string) (string, error) { return wire.Folder(getenv) }

// IsMissing reports whether an error of Connect says that no broker runs.
func IsMissing(err error) bool {
	_, ok := errors.AsType[*wire.NoBrokerError](err)
	return ok
}

// Process is the process that has opened the socket of the folder, whether it answers or not; 0 where none has, or it is another
// user's, or the system does not tell.
func Process(folder string) int {
	ctx, cancel := context.WithTimeout(context.Background(), lastPause) // a full backlog is nothing to wait for
	defer cancel()
	conn, err := wire.Dial(ctx, folder)
	if err != nil {
		return 0
	}
	defer conn.Close()
	return conn.Peer().PID
}

// IsOther reports whether an error of Connect says that the broker speaks another version of the protocol: see StopOther.
func IsOther(err error) bool {
	_, ok := errors.AsType[*wire.VersionError](err)
	return ok
}

// IsRunning reports whether an error of Run says that the folder has a broker already.
func IsRunning(err error) bool { return errors.Is(err, wire.ErrRunning) }

const (
	// startLimit is how long Ensure tries.
	startLimit = 10 * time.Second

	// It looks again after pauses from the first to the last: another process may have started one that is about to answer.
	firstPause = time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// Launcher starts the broker of a folder where there is none. It is used by one goroutine at a time, and has none but while
// Ensure runs.
//
// The process that it starts has a session of its own, so that no terminal and no group of processes ends it, and the root folder
// as its working directory; it inherits no descriptor, ends by itself when it has not been used for a while, and outlives who has
// started it. Of several that are started at once for one folder all but one end: that one has the folder's lock.
type Launcher struct {
	Folder  string   // see Folder
	Path    string   // the executable; "" starts none
	Args    []string // its arguments, argv[0] first; it has to call Run, and Settle when that is ready
	Environ []string // its whole environment, see DaemonEnviron
	Program string   // who connects, for people; such as "api"
	Version string   // of who connects

	started []*os.Process // those that nobody has waited for yet
}

// Ensure returns a connection to the broker of the folder, which it starts where there is none. It tries for 10 seconds.
//
// Errors are the cause of ctx, a *LaunchError, the system's, and those of Connect.
func (l *Launcher) Ensure(ctx context.Context) (*Client, error) {
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	said := ""
	for pause := firstPause; ; pause = min(pause*2, lastPause) {
		client, err := l.connect(limited)
		switch {
		case err == nil:
			return client, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case limited.Err() != nil, said != "" && IsMissing(err):
			return nil, &LaunchError{Folder: l.Folder, Output: said, Process: Process(l.Folder)}
		case !IsMissing(err) || l.Path == "":
			return nil, err
		}
		if said, err = l.start(limited); err != nil {
			return nil, err
		}
		select {
		case <-limited.Done():
		case <-time.After(pause):
		}
	}
}

func (l *Launcher) connect(ctx context.Context) (*Client, error) {
	return Connect(ctx, l.Folder, wire.Hello{Role: wire.Watcher, Program: l.Program, Version: l.Version})
}

// maxOutput is how much of what a broker says before it is ready is kept.
const maxOutput = 16 << 10

// start starts a broker's process and waits until that is ready or has ended. It gives what it has said until then.
func (l *Launcher) start(ctx context.Context) (said string, err error) {
	l.Close()
	output, theirs, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer output.Close()
	process, err := l.fork(theirs)
	theirs.Close()
	if err != nil {
		return "", err
	}
	l.started = append(l.started, process)
	defer context.AfterFunc(ctx, func() { _ = output.SetReadDeadline(time.Unix(1, 0)) })()
	text, _ := io.ReadAll(io.LimitReader(output, maxOutput)) // to its end, or that of ctx
	return strings.TrimSpace(string(text)), nil
}

// Close waits for the processes that were started and have ended. A broker that lives goes on. It may be called again.
func (l *Launcher) Close() { l.started = slices.DeleteFunc(l.started, reap) }

// daemonVariables are those that a broker needs of the environment of who starts it: it is everybody's, and may live longer than a
// secret should.
var daemonVariables = []string{
	"GORUN_DATA", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "HOME", "USER", "LOGNAME", "PATH", "TMPDIR", "TZ",
	"GODEBUG", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GORACE", "GOCOVERDIR",
}

// DaemonEnviron is what a broker's process is given of an environment, and the folder where it is going to be.
func DaemonEnviron(environ []string, folder string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !slices.Contains(daemonVariables, name)
	})
	return append(kept, wire.Variable+"="+folder)
}

// LaunchError says that a broker was started and does not answer.
type LaunchError struct {
	Folder  string
	Output  string // what it has said; "" when it has said nothing
	Process int    // the one that should answer, see Process; 0: unknown
}

func (e *LaunchError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("the broker of %s does not answer within %v", e.Folder, startLimit)
	}
	return "the broker that stands in for HTTP.sys could not be started"
}

// hintMark is what a line of gorun's begins with that says what to do.
const hintMark = "hint: "

// words are the lines that it has said, without the last if that is what to do.
func (e *LaunchError) words() (lines []string, hint string) {
	if e.Output == "" {
		return nil, ""
	}
	lines = strings.Split(e.Output, "\n")
	last := len(lines) - 1
	if hint, ok := strings.CutPrefix(lines[last], hintMark); ok {
		return lines[:last], hint
	}
	return lines, ""
}

// Details are what it has said.
func (e *LaunchError) Details() []string {
	lines, _ := e.words()
	return lines
}

// Hint is what it has said last, or where to look.
func (e *LaunchError) Hint() string {
	if e.Output == "" {
		return filepath.Join(e.Folder, wire.LogName) + " has what it says; end its process if there is one" + e.kill()
	}
	if _, hint := e.words(); hint != "" {
		return hint
	}
	return "set GORUN_HTTPSYS to another folder if it is the folder that cannot be used"
}

// kill is the command that ends the process.
func (e *LaunchError) kill() string {
	if e.Process == 0 {
		return ""
	}
	return fmt.Sprintf(": kill -KILL %d", e.Process)
}
