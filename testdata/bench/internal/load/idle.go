package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

const (
	answerLimit = 10 * time.Second
	idleClients = 32  // connections that are made, and requests that run, at the same time
	patience    = 10  // errors after which a client gives up
	spareFiles  = 256 // what processes have open besides connections
)

// Idle are connections that stay open and have nothing to do. Its goroutines end before its methods return.
type Idle struct {
	address *url.URL
	conns   []net.Conn // nil where there is none
}

// OpenIdle makes n connections to address, each of which then has one request for its path. Close them. After an error there are
// none.
func OpenIdle(ctx context.Context, address *url.URL, n int) (*Idle, error) {
	c := &Idle{address: address, conns: make([]net.Conn, n)}
	if errs := c.each(ctx, c.open); len(errs) > 0 {
		c.Close()
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// IdleFor is how many connections this process and a server's can have open, at most wanted. Where it is fewer, stderr is told.
func IdleFor(wanted int) (int, error) {
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

// Lost counts the connections that do not answer another request any more, or the first few of them.
func (c *Idle) Lost(ctx context.Context) int { return len(c.each(ctx, c.ask)) }

// Close closes the connections.
func (c *Idle) Close() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// each calls do for every index, some at a time, and gives the errors. It stops early after a few, and when ctx ends.
func (c *Idle) each(ctx context.Context, do func(ctx context.Context, i int) error) []error {
	var mu sync.Mutex
	var errs []error
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= len(c.conns) && len(errs) < patience && ctx.Err() == nil
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
func (c *Idle) open(ctx context.Context, i int) (err error) {
	dialer := net.Dialer{Timeout: answerLimit}
	if c.conns[i], err = dialer.DialContext(ctx, "tcp", c.address.Host); err != nil {
		return err
	}
	return c.ask(ctx, i)
}

// ask makes a request on a connection that is open.
func (c *Idle) ask(_ context.Context, i int) error {
	conn := c.conns[i]
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.address.Path, c.address.Host); err != nil {
		return err
	}
	return ReadAnswer(bufio.NewReader(conn))
}

// ReadAnswer reads one response, which must be 200, to its end.
func ReadAnswer(r *bufio.Reader) error {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
