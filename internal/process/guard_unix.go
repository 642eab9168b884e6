//go:build linux || darwin

package process

import (
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// guardName is the guard's argv[0], by which it knows itself and people know it in ps.
const guardName = "gorun-guard"

const (
	guardClean  = 0 // nothing of the tree is left
	guardFailed = 1 // the program was never started
	guardLeft   = 3 // what is left belongs to others and was reported
)

// init ends the life of a guard or a shim before most packages of the executable begin theirs: Go initialises packages in
// the order of their paths as soon as what they import is ready, and neither needs those that come later. At each start of
// a program somebody waits for them.
func init() {
	exitCode, isOurs := guardMain()
	if !isOurs {
		exitCode, isOurs = shimMain()
	}
	if isOurs {
		syscall.Exit(exitCode) // os.Exit has nothing to add, and waits for a second under the race detector
	}
}

// guardMain is the guard's whole life, if this process is a guard: Start runs the caller's executable a second time
// for it. Where isGuard is false, it has done nothing.
func guardMain() (exitCode int, isGuard bool) {
	if os.Args[0] != guardName || len(os.Args) != 2 {
		return 0, false
	}
	control, err := strconv.Atoi(os.Args[1])
	if err != nil || control < 3 {
		return guardFailed, true
	}
	syscall.CloseOnExec(control)
	t, err := readTask(rawFile(control))
	if err != nil {
		return guardFailed, true
	}
	// The parent-death signal of the program follows the thread that started it, which must therefore stay.
	runtime.LockOSThread()
	g := &guard{control: rawFile(control), task: t}
	if err := g.start(); err != nil {
		return guardFailed, true
	}
	return g.run(), true
}

// guard stands between the caller and the program. It owns the program and all that comes of it, and lives until
// nothing of that is left. One goroutine (the main one) runs it; two more only read the control socket and signals.
type guard struct {
	control rawFile
	task    task
	program int // its pid

	orders   chan order // closed when the caller is dead
	signals  chan os.Signal
	children chan os.Signal // SIGCHLD alone, so that a flood of others cannot displace it; watched once the program runs

	kin    *kin
	ledger ledger

	ended     bool // the program has ended, and was reaped
	childless bool // the guard has no children
	phase     phase
	killAt    time.Time // in ending: when patience is over; in killing: the next round
	rounds    int       // of killing in which nothing could be killed
	stopped   syscall.Signal
	stoppedAt time.Time
}

type phase int

const (
	running phase = iota
	ending        // the program has ended, the rest was asked to
	killing
)

// start runs the program and lets go of everything that is the program's: who reads its output must see the end
// of it when the tree is gone, not when the guard is.
func (g *guard) start() error {
	adoptOrphans()
	nameGuard()
	g.signals, g.children = make(chan os.Signal, 64), make(chan os.Signal, 1)
	g.watch(deadly()...)
	pid, err := g.fork()
	if err != nil {
		errno, _ := err.(syscall.Errno)
		g.report(reportFailed, uint32(errno))
		return err
	}
	g.program = pid
	g.kin = newKin(os.Getpid(), pid, !g.task.foreground)
	g.letGo()
	g.report(reportStarted, uint32(pid))
	signal.Notify(g.children, syscall.SIGCHLD)
	g.watch(harmless()...)
	g.orders = make(chan order)
	go g.listen()
	return nil
}

// fork starts the program, or the shim that becomes it. The error is the system's number.
func (g *guard) fork() (pid int, err error) {
	if g.task.listenPID {
		return g.forkShim()
	}
	return syscall.ForkExec(g.task.path, g.task.argv(), &syscall.ProcAttr{
		Dir: g.task.dir, Env: g.task.env, Files: g.files(), Sys: programAttr(g.task.foreground),
	})
}

// watch makes the guard survive signals that are meant for the program, and count them. SIGTSTP and its kind keep
// their default: Ctrl+Z stops the guard with the program. A signal that was ignored when the guard began (nohup) stays
// so, in the program too.
func (g *guard) watch(signals ...syscall.Signal) {
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(g.signals, sig)
		}
	}
}

// counted are the signals that the guard survives and counts.
func counted() []syscall.Signal { return append(deadly(), harmless()...) }

// deadly are those that end a Go program that does not watch them: before the guard's program begins, they must be.
func deadly() []syscall.Signal {
	return []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGTERM}
}

// harmless are those that a Go program passes over unless it watches them. To watch a signal takes 0.1 ms, which the
// program need not wait for: it is not ready for any of them itself at its beginning.
func harmless() []syscall.Signal {
	return []syscall.Signal{
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGALRM, syscall.SIGPIPE, syscall.SIGVTALRM,
		syscall.SIGIO, syscall.SIGXCPU,
	}
}

// files is the program's descriptor table: what the guard was given, number by number, and nothing between.
func (g *guard) files() []uintptr {
	files := make([]uintptr, g.task.fds[len(g.task.fds)-1]+1)
	for i := range files {
		files[i] = noFile
	}
	for _, fd := range g.task.fds {
		files[fd] = uintptr(fd)
	}
	return files
}

func (g *guard) letGo() {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	for _, fd := range g.task.fds {
		if fd > 2 || err != nil {
			syscall.Close(fd)
		} else {
			dup2(null, fd)
		}
	}
}

func (g *guard) listen() {
	for {
		o, err := readOrder(g.control)
		if err != nil {
			close(g.orders)
			return
		}
		g.orders <- o
	}
}

// report tells the caller. That it may be dead is learnt from the orders.
func (g *guard) report(kind byte, value uint32) { _, _ = g.control.Write(report{kind, value}.bytes()) }
