package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 10 * time.Second
)

// server is a server's process. Its goroutine waits for the process to end; stop ends both.
type server struct {
	role  string
	cmd   *exec.Cmd
	stdin io.Closer
	said  *subject.Announcements
	ended chan error // what Wait returned; it is received once
}

// start starts a server and returns when it listens. A profile is a file to write at its end, "" for none.
func (b *bench) start(ctx context.Context, role, profile string) (*server, error) {
	s := &server{role: role, said: subject.NewAnnouncements("http", "https"), ended: make(chan error, 1)}
	s.cmd = exec.Command(b.program, serveCommand, "-file", filepath.Join(b.dir, servedFile), "-profile", profile, role)
	s.cmd.Env = subject.Environ(b.dir)
	s.cmd.Stderr = s.said
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.stdin = stdin
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	select {
	case <-s.said.Ready():
		return s, nil
	case err := <-s.ended:
		return nil, fmt.Errorf("server %s ended at its start: %w\n%s", role, err, s.said.Text())
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startLimit):
		err = fmt.Errorf("server %s does not listen after %v\n%s", role, startLimit, s.said.Text())
	}
	_ = s.stop() // it has not started: err says why
	return nil, err
}

// stop ends the process and waits until it has ended.
func (s *server) stop() error {
	s.stdin.Close()
	var err error
	select {
	case err = <-s.ended:
	case <-time.After(stopLimit):
		_ = s.cmd.Process.Kill() // fails only when it has just ended
		<-s.ended
		err = fmt.Errorf("it did not end within %v", stopLimit)
	}
	if err != nil {
		return fmt.Errorf("server %s: %w\n%s", s.role, err, s.said.Text())
	}
	return nil
}

// url is the address of a scheme with a path. A server that has no socket for h2c may speak it where it speaks http.
func (s *server) url(r subject.Request) string {
	base := cmp.Or(s.said.URL(r.Scheme), s.said.URL("http"))
	return strings.Replace(base, "h2c:", "http:", 1) + r.Path
}

func (s *server) pid() int { return s.cmd.Process.Pid }
