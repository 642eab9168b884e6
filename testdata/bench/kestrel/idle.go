package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// idle is how much memory the server's process has for each connection that is open and has nothing to do after a
// request. Memory is what is resident, without any collection but those that the server's runtime makes by itself.
type idle struct{}

const (
	quiet       = time.Second // before memory is read
	idleClients = 32          // connections that are made, and requests that run, at the same time
	spareFiles  = 256         // what processes have open besides connections
)

func (idle) tool() tool { return tool{} }

func (idle) measure(ctx context.Context, b *bench, s *server, r request, _ time.Duration) (sample, error) {
	n, err := connectionsFor(b.idle)
	if err != nil {
		return sample{}, err
	}
	address, err := url.Parse(s.url(r))
	if err != nil {
		return sample{}, err
	}
	// What the first request takes is not the connections'.
	if _, err := b.fetch(ctx, s, r); err != nil {
		return sample{}, err
	}
	before, err := resident(s.pid())
	if err != nil {
		return sample{}, err
	}
	c := idleConns{address: address, conns: make([]net.Conn, n)}
	defer c.close()
	if err := errors.Join(c.each(ctx, c.open)...); err != nil {
		return sample{}, err
	}
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return sample{}, ctx.Err()
	}
	after, err := resident(s.pid())
	if err != nil {
		return sample{}, err
	}
	lost := c.each(ctx, c.ask) // all of them must still be there
	return sample{value: float64(after-before) / float64(n), errors: len(lost)}, nil
}

// connectionsFor is how many connections this process and a server's can have open, at most wanted.
func connectionsFor(wanted int) (int, error) {
	limit, err := openFiles()
	if err != nil {
		return 0, err
	}
	if limit < 2*spareFiles {
		return 0, fmt.Errorf("only %d open files are allowed (ulimit -Hn)", limit)
	}
	n := min(wanted, limit-spareFiles)
	if n < wanted {
		fmt.Fprintf(os.Stderr, "idle: %d connections in place of %d, because only %d open files are allowed (ulimit -Hn)\n", n, wanted, limit)
	}
	return n, nil
}

// idleConns are connections that stay open.
type idleConns struct {
	address *url.URL
	conns   []net.Conn // nil where there is none
}

// each calls do for every index, some at a time, and gives the errors. It stops early after a few, and when ctx ends.
func (c *idleConns) each(ctx context.Context, do func(ctx context.Context, i int) error) []error {
	var mu sync.Mutex
	var errs []error
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= len(c.conns) && len(errs) < clientPatience && ctx.Err() == nil
	}
	var working sync.WaitGroup
	for range idleClients {
		working.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := do(ctx, i); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		errs = append(errs, ctx.Err())
	}
	return errs
}

// open makes a connection, which then has its first request.
func (c *idleConns) open(ctx context.Context, i int) (err error) {
	dialer := net.Dialer{Timeout: answerLimit}
	if c.conns[i], err = dialer.DialContext(ctx, "tcp", c.address.Host); err != nil {
		return err
	}
	return c.ask(ctx, i)
}

// ask makes a request on a connection that is open.
func (c *idleConns) ask(_ context.Context, i int) error {
	conn := c.conns[i]
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.address.Path, c.address.Host); err != nil {
		return err
	}
	return readAnswer(bufio.NewReader(conn))
}

func (c *idleConns) close() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// resident is the resident memory of a process in kB.
func resident(pid int) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseStatus(string(data))
}

// parseStatus reads VmRSS of /proc/<pid>/status.
func parseStatus(text string) (int, error) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" && fields[2] == "kB" {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, errors.New("the process has no resident memory")
}
