package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 10 * time.Second
	listening  = "Now listening on: " // what servers.Run says of each address
)

// server is a server's process. Its goroutine waits for the process to end; stop ends both.
type server struct {
	role  string
	cmd   *exec.Cmd
	stdin io.Closer
	said  *announcements
	ended chan error // what Wait returned; it is received once
}

// start starts a server and returns when it listens. A profile is a file to write at its end, "" for none.
func (b *bench) start(ctx context.Context, role, profile string) (*server, error) {
	s := &server{role: role, said: &announcements{ready: make(chan struct{}), urls: map[string]string{}}, ended: make(chan error, 1)}
	s.cmd = exec.Command(b.program, serveCommand, "-file", filepath.Join(b.dir, servedFile), "-profile", profile, role)
	s.cmd.Env = b.environ()
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
	case <-s.said.ready:
		return s, nil
	case err := <-s.ended:
		return nil, fmt.Errorf("server %s ended at its start: %w\n%s", role, err, s.said.text())
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startLimit):
		err = fmt.Errorf("server %s does not listen after %v\n%s", role, startLimit, s.said.text())
	}
	_ = s.stop() // it has not started: err says why
	return nil, err
}

// environ is this process's environment without what would change a server, and with the certificate of the bench's
// folder.
func (b *bench) environ() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GORUN_") && !strings.HasPrefix(e, "ASPNETCORE_") && !strings.HasPrefix(e, "DOTNET_") {
			env = append(env, e)
		}
	}
	return append(env, certificateEnv(b.dir)...)
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
		return fmt.Errorf("server %s: %w\n%s", s.role, err, s.said.text())
	}
	return nil
}

// url is the address of a scheme with a path. A server that has no socket for h2c may speak it where it speaks http.
func (s *server) url(r request) string {
	base, ok := s.said.urls[r.scheme]
	if !ok {
		base = s.said.urls["http"]
	}
	return strings.Replace(base, "h2c:", "http:", 1) + r.path
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// announcements is what a server writes to stderr. It is ready when the server listens for http and https; urls is
// not written to any more then.
type announcements struct {
	ready chan struct{}
	urls  map[string]string // by scheme

	mu   sync.Mutex
	done bool
	kept []byte // the first few kB
}

// Write takes what the server wrote. Announcements may be divided among several calls.
func (a *announcements) Write(p []byte) (int, error) {
	const limit = 8 << 10
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = append(a.kept, p[:min(len(p), limit-len(a.kept))]...)
	if !a.done {
		a.read()
	}
	return len(p), nil
}

// read looks for addresses in whole lines.
func (a *announcements) read() {
	whole := a.kept[:bytes.LastIndexByte(a.kept, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		if url, ok := strings.CutPrefix(strings.TrimSpace(line), listening); ok {
			scheme, _, _ := strings.Cut(url, ":")
			a.urls[scheme] = url
		}
	}
	if a.urls["http"] != "" && a.urls["https"] != "" {
		a.done = true
		close(a.ready)
	}
}

func (a *announcements) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.kept)
}
