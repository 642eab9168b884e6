// Command behind is an app to stand behind a front, for tests of what starts, watches and stops one. It serves on gorun's
// servers package, or with BEHIND_PLAIN on net/http and PORT alone. What it does before it listens, and when it is to stop, is
// said by variables:
//
//	BEHIND_PLAIN=1          net/http on 127.0.0.1:$PORT, which knows nothing of gorun, tokens or a graceful stop
//	BEHIND_STDOUT=TEXT      write it to stdout first; BEHIND_STDERR=TEXT to stderr
//	BEHIND_STDOUT_SIZE=N    then N characters, in lines of 100; BEHIND_STDERR_SIZE=N to stderr
//	BEHIND_STARTS=FILE      add a line with the process id to FILE
//	BEHIND_EXIT=CODE        end with CODE then; BEHIND_EXIT_ONCE=FILE: only when FILE is not there, which is made
//	BEHIND_PANIC=1          panic then, in a function configure
//	BEHIND_START_WHEN=FILE  go on when FILE is there
//	BEHIND_START_DELAY=T    wait so long before it listens
//	BEHIND_HANG=1           never listen
//	BEHIND_LISTEN=ADDR      listen there, on plain net/http, whatever the front expects
//	BEHIND_CHILD=1          start a child that outlives it, in a session of its own and with its stdout and stderr
//	BEHIND_CLIENT_CA=FILE   trust the certificates of clients that FILE has signed (PEM), where it speaks TLS itself
//	BEHIND_IGNORE_STOP=1    hear neither signals nor the front's message: go on
//
// The paths that it serves are in paths.go.
package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("behind: ")
	if len(os.Args) > 1 && os.Args[1] == "child" {
		time.Sleep(time.Minute)
		return
	}
	if err := prepare(); err != nil {
		log.Fatal(err)
	}
	a := newApp()
	if err := a.serve(); err != nil {
		log.Fatal(err)
	}
	if a.deaf.Load() { // it closed its listener, and lives
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
		<-stop
	}
}

// prepare does what the variables say before it listens.
func prepare() error {
	write()
	if os.Getenv("BEHIND_IGNORE_STOP") != "" {
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	}
	if file := os.Getenv("BEHIND_STARTS"); file != "" {
		if err := addLine(file, strconv.Itoa(os.Getpid())); err != nil {
			return err
		}
	}
	if os.Getenv("BEHIND_CHILD") != "" {
		if err := startChild(); err != nil {
			return err
		}
	}
	exit()
	if os.Getenv("BEHIND_PANIC") != "" {
		configure()
	}
	for file := os.Getenv("BEHIND_START_WHEN"); file != ""; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			break
		}
	}
	if os.Getenv("BEHIND_HANG") != "" {
		time.Sleep(time.Minute) // so that a test that fails leaves nothing for ever
		os.Exit(119)
	}
	delay, err := time.ParseDuration(cmp.Or(os.Getenv("BEHIND_START_DELAY"), "0"))
	time.Sleep(delay)
	return err
}

// write writes what is to be seen before anything happens.
func write() {
	for _, s := range []struct {
		name string
		file *os.File
	}{{"BEHIND_STDOUT", os.Stdout}, {"BEHIND_STDERR", os.Stderr}} {
		if text := os.Getenv(s.name); text != "" {
			fmt.Fprintln(s.file, text)
		}
		size, _ := strconv.Atoi(os.Getenv(s.name + "_SIZE"))
		for line := strings.Repeat("0123456789", 10)[:99] + "\n"; size > 0; size -= len(line) {
			_, _ = s.file.WriteString(line[max(0, len(line)-size):])
		}
	}
}

// exit ends the program where a variable says so.
func exit() {
	code, err := strconv.Atoi(os.Getenv("BEHIND_EXIT"))
	if err != nil {
		return
	}
	if once := os.Getenv("BEHIND_EXIT_ONCE"); once != "" {
		if _, err := os.Stat(once); err == nil {
			return
		}
		_ = os.WriteFile(once, nil, 0o600)
	}
	os.Exit(code)
}

// configure fails as a program does that is set up wrongly.
func configure() { panic("From Configure: this is no setting") }

func addLine(path, text string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(text + "\n")
	return err
}

func startChild() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "child")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = ownSession()
	return child.Start()
}

// serve serves until it is asked to stop.
func (a *app) serve() error {
	if address := os.Getenv("BEHIND_LISTEN"); address != "" {
		return a.servePlain(address)
	}
	if os.Getenv("BEHIND_PLAIN") != "" {
		return a.servePlain("127.0.0.1:" + os.Getenv("PORT"))
	}
	options := []servers.Option{servers.WithShutdownTimeout(time.Minute)}
	if os.Getenv("BEHIND_IGNORE_STOP") != "" {
		options = append(options, servers.WithSignals())
	}
	if file := os.Getenv("BEHIND_CLIENT_CA"); file != "" {
		pool := x509.NewCertPool()
		if pem, err := os.ReadFile(file); err != nil || !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s has no certificate: %v", file, err)
		}
		options = append(options, servers.WithClientCAs(pool))
	}
	err := servers.Run(a.ctx, a.paths(), options...)
	if os.Getenv("BEHIND_IGNORE_STOP") != "" {
		time.Sleep(time.Minute)
	}
	return err
}

// servePlain is an app that knows nothing of gorun.
func (a *app) servePlain(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a.paths()}
	stopped := make(chan struct{})
	context.AfterFunc(a.ctx, func() {
		defer close(stopped)
		_ = server.Shutdown(context.Background())
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}
