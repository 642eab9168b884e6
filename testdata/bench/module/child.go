package main

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
	startLimit = 30 * time.Second
	stopLimit  = 15 * time.Second
)

// child is a process of the bench, with all that comes of it: it is gone when the bench is, in whatever way that ends. Its
// goroutine reads what it writes and waits for its end; stop waits for the goroutine.
type child struct {
	name   string
	tree   *process.Tree
	said   *subject.Announcements
	ended  chan struct{} // closed at its end; then status is known
	status process.Status
}

// startChild starts a program. What it writes goes to said.
func (b *bench) startChild(name string, spec process.Spec, said *subject.Announcements) (*child, error) {
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
	c := &child{name: name, tree: tree, said: said, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer read.Close()
		_, _ = io.Copy(said, read) // it ends with the last process that can write
		c.status, _ = tree.Wait()  // what it has left is killed when the bench ends
	}()
	return c, nil
}

// await waits until ready is closed. It gives up when the process ends, after a while, and when ctx is done.
func (c *child) await(ctx context.Context, ready <-chan struct{}) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-ready:
		return nil
	case <-c.ended:
		return fmt.Errorf("%s ended at its start (%s)\n%s", c.name, c.status, c.said.Text())
	case <-limit.C:
		return fmt.Errorf("%s does not listen after %v\n%s", c.name, startLimit, c.said.Text())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reachable waits until somebody listens at address.
func (c *child) reachable(ctx context.Context, address string) error {
	dialing, cancel := context.WithCancel(ctx)
	listens, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := dial(dialing, address, time.Millisecond); err == nil {
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

// stop asks the process to end and waits until it has.
func (c *child) stop() error {
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
