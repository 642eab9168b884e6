// Command stubborn is a program that is hard to stop, for tests of what stops programs.
//
//	stubborn [-ignore] [-children N] [-daemon] [-listen ADDR] [-pids FILE] [-for DURATION]
//
// It starts what the flags ask for, says "ready" on stdout when all of that is up, and stays until it is killed, or for
// as long as -for says, so that a test that fails leaves nothing for ever.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	ignore   bool
	children int
	daemon   bool
	listen   string
	pids     string
	lifetime time.Duration
	role     string
}

func main() {
	var o options
	flag.BoolVar(&o.ignore, "ignore", false, "ignore SIGTERM, SIGINT and SIGHUP, here and in all that is started")
	flag.IntVar(&o.children, "children", 0, "start `N` children")
	flag.BoolVar(&o.daemon, "daemon", false, "start a daemon: its parent is gone, its session and group are its own, its environment is empty")
	flag.StringVar(&o.listen, "listen", "", "listen on the TCP `ADDR`: the daemon does, else the last child, else the program itself")
	flag.StringVar(&o.pids, "pids", "", "write a line to `FILE` for each process when it is up: pid, role (main, child or daemon), address if it listens")
	flag.DurationVar(&o.lifetime, "for", time.Minute, "end after this `time`")
	flag.StringVar(&o.role, "role", "main", "what this process is (stubborn sets it on those that it starts)")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatalf("stubborn %s: %v", o.role, err)
	}
}

func (o options) run() error {
	if o.role == "fork" { // between main and the daemon: it ends at once and leaves the daemon without a parent
		return o.start("daemon", o.listen)
	}
	if o.ignore {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	if o.role == "main" {
		if err := o.startAll(); err != nil {
			return err
		}
		if o.daemon || o.children > 0 {
			o.listen = "" // somebody else does
		}
	}
	address, err := o.open()
	if err != nil {
		return err
	}
	if err := o.tell(address); err != nil {
		return err
	}
	if o.role == "main" {
		fmt.Println("ready")
	} else {
		fmt.Println("up") // main waits for it
		os.Stdout.Close()
	}
	time.Sleep(o.lifetime)
	return nil
}

// startAll starts the children and the daemon, and returns when each is up.
func (o options) startAll() error {
	for i := range o.children {
		listen := ""
		if !o.daemon && i == o.children-1 {
			listen = o.listen
		}
		if err := o.start("child", listen); err != nil {
			return err
		}
	}
	if o.daemon {
		return o.start("fork", o.listen)
	}
	return nil
}

// start runs this program again in another role and waits until the new process, or the one that it starts in turn,
// has said that it is up.
func (o options) start(role, listen string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-role", role, "-ignore="+strconv.FormatBool(o.ignore), "-listen", listen, "-pids", o.pids, "-for", o.lifetime.String())
	if role == "child" {
		cmd.Stderr = os.Stderr
	} else {
		cmd.Env = []string{} // os/exec adds what Windows cannot do without
		cmd.SysProcAttr = ownSession()
	}
	up, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var word string
	if _, err := fmt.Fscan(up, &word); err != nil {
		return fmt.Errorf("the %s did not come up: %w", role, err)
	}
	switch role {
	case "daemon": // the word is passed on to main
		fmt.Println(word)
	case "fork":
		return cmd.Wait()
	}
	return nil
}

// open listens where it is told to and gives the address, "" when it is told nothing.
func (o options) open() (string, error) {
	if o.listen == "" {
		return "", nil
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return l.Addr().String(), nil
}

// tell adds this process to the file of pids, in one write.
func (o options) tell(address string) error {
	if o.pids == "" {
		return nil
	}
	file, err := os.OpenFile(o.pids, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(strings.TrimSpace(fmt.Sprintln(os.Getpid(), o.role, address)) + "\n")
	return err
}
