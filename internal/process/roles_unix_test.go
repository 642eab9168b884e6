//go:build linux || darwin

package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func callerSignals() []os.Signal {
	return []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	}
}

func guardOf(t *Tree) int { return t.guard.pid }

// playMore plays the programs of the Unix tests. Roles take a marker as their last argument, by which their
// processes are found.
func playMore(role string, args []string) int {
	switch role {
	case "signals": // tells every signal that it gets
		return playSignals()
	case "family": // a program with descendants of every kind
		return playFamily(args[0])
	case "parting": // a program that ends and leaves some behind
		spawn(nil, "stubborn", args[1])
		spawn(&syscall.SysProcAttr{Setsid: true}, "daemonize", args[1])
		code, _ := strconv.Atoi(args[0])
		return code
	case "daemonize": // the first half of a daemon: its child loses parent, session and environment
		launch(&syscall.SysProcAttr{Setsid: true}, "stubborn", args[0], os.NewFile(3, "ready"))
		return 0
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
		_ = os.NewFile(3, "ready").Close()
	case "polite":
		_ = os.NewFile(3, "ready").Close()
	case "descriptors":
		for _, fd := range inherited(0) {
			target, _ := os.Readlink(fmt.Sprintf("%s/%d", descriptorFolder, fd))
			if fd > 2 {
				fmt.Println(fd, target)
			}
		}
		return 0
	case "exec": // what gorun --exec does
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
		signal.Ignore(syscall.SIGUSR1)
		err := Exec(Spec{
			Dir: args[0], Path: args[1], Args: args[2:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		})
		fmt.Println(err)
		return 99
	case "root": // a setuid program that becomes root for good
		_ = syscall.Setuid(0)
		fmt.Println("program: root")
	case "bomb": // forks on and on, at a modest speed
		for {
			_ = exec.Command("/proc/self/exe", "as:spark", args[0]).Start()
			time.Sleep(2 * time.Millisecond)
		}
	case "spark":
		for range 5 {
			_ = exec.Command("/proc/self/exe", "as:polite", args[0]).Start()
			time.Sleep(5 * time.Millisecond)
		}
		return 0
	default:
		return playLast(role, args)
	}
	return linger()
}

func playSignals() int {
	signals := make(chan os.Signal, 100)
	signal.Notify(signals, append(callerSignals(), syscall.SIGWINCH, syscall.SIGCONT)...)
	fmt.Println("program: ready")
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	for {
		select {
		case sig := <-signals:
			fmt.Println("program: got", signalName(sig.(syscall.Signal)))
			if sig == syscall.SIGTERM {
				return 7
			}
		case line, ok := <-lines:
			if !ok { // the terminal is gone, or the test
				return 0
			}
			fmt.Println("program: read", line)
		}
	}
}

func playFamily(marker string) int {
	spawn(nil, "polite", marker)
	spawn(nil, "stubborn", marker)
	spawn(&syscall.SysProcAttr{Setpgid: true}, "stubborn", marker)
	spawn(&syscall.SysProcAttr{Setsid: true}, "daemonize", marker)
	fmt.Println("program: ready")
	return linger()
}

// spawn starts the test binary in a role, without environment, and returns when that is ready: when nobody holds
// its descriptor 3 any more.
func spawn(attr *syscall.SysProcAttr, role, marker string) {
	ready, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	launch(attr, role, marker, write)
	write.Close()
	_, _ = io.ReadAll(ready)
	ready.Close()
}

func launch(attr *syscall.SysProcAttr, role, marker string, ready *os.File) {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(path, "as:"+role, marker)
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.SysProcAttr = attr
	cmd.ExtraFiles = []*os.File{ready}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// linger stands still until it is killed; an empty select would be a deadlock to the runtime.
func linger() int {
	for {
		time.Sleep(time.Hour)
	}
}
