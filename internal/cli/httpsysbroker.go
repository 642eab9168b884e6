package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// The words of `gorun httpsys serve`, which is the broker itself: in the background of whoever starts it, and not ending when
// nobody uses it.
const (
	wordDetached   = "detached"
	wordPersistent = "persistent"
)

// exitBrokerRuns is the status of a broker that has found another one in its folder.
const exitBrokerRuns = 9

// launcher starts the broker of a folder, which is this executable once more.
func (w *world) launcher(folder string, words ...string) *broker.Launcher {
	return &broker.Launcher{
		Folder: folder, Path: ownPath(), Args: append([]string{"gorun", "httpsys", "serve", wordDetached}, words...),
		Environ: broker.DaemonEnviron(w.environ, folder), Program: "gorun", Version: version().Version,
	}
}

// ownPath is the running executable, even if its file was replaced or removed since.
func ownPath() string {
	path, err := os.Executable()
	if runtime.GOOS != "linux" {
		return path
	}
	const self = "/proc/self/exe"
	there, statErr := os.Stat(path)
	running, selfErr := os.Stat(self)
	if err != nil || statErr != nil || selfErr == nil && !os.SameFile(there, running) {
		return self
	}
	return path // by which `ps` and messages know it
}

// brokerFolder is where the broker of this user is; "" where there are none, or where it would be cannot be said.
func (w *world) brokerFolder() string {
	folder, _ := broker.Folder(w.getenv) // who needs it asks again, and tells
	return folder
}

// connectBroker connects to a broker that runs. Without one the error is such that broker.IsMissing.
func (w *world) connectBroker(ctx context.Context) (*broker.Client, error) {
	folder, err := broker.Folder(w.getenv)
	if err != nil {
		return nil, err
	}
	return broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool, Program: "gorun", Version: version().Version})
}

// serveBroker is the broker, until it is asked to end or nobody needs it any more.
func (w *world) serveBroker(words []string) error {
	folder, err := broker.Folder(w.getenv)
	if err != nil {
		return err
	}
	detached := slices.Contains(words, wordDetached)
	if detached {
		signal.Ignore(syscall.SIGHUP)
		if err := broker.Alone(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(w.stderr, nil))
	store, storeErr := broker.OpenStore(broker.StoreOptions{Getenv: w.getenv, Log: log})
	options := broker.Options{
		Folder: folder, Version: version().Version, Store: store, Log: log, Persistent: !detached || slices.Contains(words, wordPersistent),
	}
	err = broker.Run(ctx, options, func() {
		if detached {
			if err := broker.Settle(folder); err != nil {
				log.Warn("what the broker says is lost", "error", err)
			}
		}
		if storeErr != nil {
			log.Warn("the settings do not count", "error", storeErr)
		}
		log.Info("the broker is ready", "folder", folder, "version", options.Version, "pid", os.Getpid())
	})
	if detached && broker.IsRunning(err) {
		return exitStatus(exitBrokerRuns)
	}
	return err
}

// startBroker starts a broker that stays.
func (w *world) startBroker(ctx context.Context, _ httpsysAsked) error {
	client, err := w.connectBroker(ctx)
	ran := err == nil
	if broker.IsMissing(err) {
		l := w.launcher(w.brokerFolder(), wordPersistent)
		defer l.Close()
		client, err = l.Ensure(ctx)
	}
	if err != nil {
		return err
	}
	defer client.Close()
	state, err := client.Watch(ctx, nil)
	switch {
	case err != nil:
		return err
	case !ran:
		w.ui.Say("the broker runs as process %d until `gorun httpsys stop`", state.PID)
	case state.Persistent:
		w.ui.Say("the broker runs already, as process %d", state.PID)
	default:
		w.ui.Say("the broker runs already, as process %d; it ends when nobody uses it any more. One that stays comes after `gorun httpsys stop`", state.PID)
	}
	return nil
}

// answerLimit is how long a broker may take to answer, and to end.
const answerLimit = 15 * time.Second

// brokerMuteError is a broker that does not answer.
type brokerMuteError struct{ pid int } // 0: the system does not tell

func (e *brokerMuteError) Error() string {
	if e.pid == 0 {
		return fmt.Sprintf("the broker has not answered within %v", answerLimit)
	}
	return fmt.Sprintf("the broker, process %d, has not answered within %v", e.pid, answerLimit)
}

// Hint gives the last resort.
func (e *brokerMuteError) Hint() string {
	const others = ": connections of the programs that gorun runs go on, and it starts another broker for them"
	if e.pid == 0 {
		return "kill the process `gorun httpsys serve`" + others
	}
	return fmt.Sprintf("`kill -KILL %d`%s", e.pid, others)
}

// stopBroker ends the broker, if no program needs it.
func (w *world) stopBroker(ctx context.Context, asked httpsysAsked) error {
	client, err := w.connectBroker(ctx)
	if broker.IsMissing(err) {
		w.ui.Say("no broker runs")
		return nil
	}
	if broker.IsOther(err) {
		return w.stopOther(ctx)
	}
	if err != nil {
		return err
	}
	defer client.Close()
	state, err := client.Watch(ctx, nil)
	if err != nil {
		return err
	}
	if users := usersOf(state); len(users) > 0 && !asked.force {
		return &brokerUsedError{users}
	}
	if err := client.Stop(ctx); err != nil {
		return err
	}
	return w.awaitEnd(ctx, state.PID)
}

// stopOther ends a broker of which this gorun cannot ask who uses it.
func (w *world) stopOther(ctx context.Context) error {
	folder, pid := w.brokerFolder(), broker.Process(w.brokerFolder())
	if err := broker.StopOther(ctx, folder, broker.Hello{Role: broker.Tool, Program: "gorun", Version: version().Version}); err != nil {
		return err
	}
	return w.awaitEnd(ctx, pid)
}

// awaitEnd waits until the broker has ended, or another one has come in its place.
func (w *world) awaitEnd(ctx context.Context, pid int) error {
	for {
		client, err := w.connectBroker(ctx)
		if broker.IsMissing(err) {
			w.ui.Say("the broker, process %d, has ended", pid)
			return nil
		}
		if err == nil {
			state, stateErr := client.Watch(ctx, nil)
			_ = client.Close()
			if stateErr == nil && state.PID != pid {
				w.ui.Say("the broker, process %d, has ended; gorun has started another one, process %d, for the programs that it runs", pid, state.PID)
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return &brokerStaysError{pid}
		case <-time.After(5 * time.Millisecond): // it is about to end
		}
	}
}

// usersOf are the programs that have a queue.
func usersOf(state *broker.State) (users []string) {
	for _, q := range state.Queues {
		for _, worker := range q.Workers {
			users = append(users, fmt.Sprintf("%s (process %d)", worker.Program, worker.PID))
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// brokerUsedError is a broker that programs need.
type brokerUsedError struct{ users []string }

func (*brokerUsedError) Error() string { return "the broker was not stopped: programs use it" }

// Details names them.
func (e *brokerUsedError) Details() []string { return e.users }

// Hint says how to stop it all the same.
func (e *brokerUsedError) Hint() string {
	return "stop them first; or `gorun httpsys stop --force`: their connections go on, and new ones come when there is a broker again, which those that gorun runs get at once"
}

// brokerStaysError is a broker that does not end.
type brokerStaysError struct{ pid int }

func (e *brokerStaysError) Error() string {
	return fmt.Sprintf("the broker, process %d, has not ended after %v", e.pid, answerLimit)
}

// Hint gives the last resort.
func (e *brokerStaysError) Hint() string { return "kill -KILL " + strconv.Itoa(e.pid) }
