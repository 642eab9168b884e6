package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const (
	// StartLimit is how long a program may take until it listens.
	StartLimit = 30 * time.Second

	stopLimit = 15 * time.Second
)

// Child is a process of a benchmark, with all that comes of it: it is gone when the benchmark is, in whatever way that ends. Its
// goroutine reads what it writes and waits for its end; Stop waits for the goroutine.
type Child struct {
	name   string
	tree   *process.Tree
	said   *subject.Announcements
	ended  chan struct{} // closed at its end; then status is known
	status process.Status
}

// StartChild starts a program. What it writes goes to said; spec's own Stdout and Stderr do not count.
func StartChild(name string, spec process.Spec, said *subject.Announcements) (*Child, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	spec.Stdout, spec.Stderr = write, write
	tree, err := process.Start(spec)
	write.Close()
	if err != nil {
		read.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &Child{name: name, tree: tree, said: said, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer read.Close()
		_, _ = io.Copy(said, read) // it ends with the last process that can write
		c.status, _ = tree.Wait()  // what it has left is killed when the benchmark ends
	}()
	return c, nil
}

// PID is the program's.
func (c *Child) PID() int { return c.tree.PID() }

// Said is what it writes.
func (c *Child) Said() *subject.Announcements { return c.said }

// await waits until ready is closed. It gives up when the process ends, after a while, and when ctx is done.
func (c *Child) await(ctx context.Context, ready <-chan struct{}) error {
	limit := time.NewTimer(StartLimit)
	defer limit.Stop()
	select {
	case <-ready:
		return nil
	case <-c.ended:
		return fmt.Errorf("%s ended at its start (%s)\n%s", c.name, c.status, c.said.Text())
	case <-limit.C:
		return fmt.Errorf("%s does not listen after %v\n%s", c.name, StartLimit, c.said.Text())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reachable waits until somebody listens at address.
func (c *Child) reachable(ctx context.Context, address string) error {
	dialing, cancel := context.WithCancel(ctx)
	listens, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := Dial(dialing, address, time.Millisecond); err == nil {
			conn.Close()
			close(listens)
		}
	}()
	defer func() {
		cancel()
		<-done
	}()
	return c.await(ctx, listens)
}

// Stop asks the process to end and waits until it has. It is an error when that takes long, or it ends with another status than 0.
func (c *Child) Stop() error {
	select {
	case <-c.ended:
		return fmt.Errorf("%s has ended by itself (%s)\n%s", c.name, c.status, c.said.Text())
	default:
	}
	var late error
	asked := c.tree.Signal(syscall.SIGTERM)
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-c.ended:
	case <-limit.C:
		late = errors.Join(fmt.Errorf("it did not end within %v", stopLimit), c.tree.Kill())
		<-c.ended
	}
	switch {
	case late != nil:
		return fmt.Errorf("%s: %w", c.name, errors.Join(late, asked))
	case c.status.ExitCode() != 0:
		return fmt.Errorf("%s: %s\n%s", c.name, c.status, c.said.Text())
	}
	return nil
}
