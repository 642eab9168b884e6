package serve

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// street hands connections to the servers of several hosts, each of which is replaced now and then. It stands for what has the
// clients' sockets in real life.
type street struct {
	t       *testing.T
	handler func(own string) http.Handler
	mu      sync.RWMutex // held to replace a server, and to give one a connection
	houses  []*Server
}

func newStreet(t *testing.T, n int, handler func(own string) http.Handler) *street {
	s := &street{t: t, handler: handler, houses: make([]*Server, n)}
	for i := range s.houses {
		s.houses[i] = s.build(i)
	}
	t.Cleanup(func() {
		for _, h := range s.houses {
			h.Close()
		}
	})
	return s
}

func (s *street) build(i int) *Server {
	own := fmt.Sprint(i)
	return &Server{
		Handler:      s.handler(own),
		Elsewhere:    func(_ net.Conn, host, _ []byte) bool { return string(host) != own },
		HandBack:     s.give,
		HandBackIdle: true,
		firstWait:    time.Millisecond,
	}
}

// give has the right server take a connection, and any server one without a request.
func (s *street) give(c net.Conn, unread []byte) {
	owner := 0
	if h, refusal := NewHeadReader(Limits{}).Read(unread, true); h.End > 0 && refusal == nil {
		owner = int(h.Host[0] - '0')
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.houses[owner].ServeConnAfter(c, bytes.Clone(unread), Binding{}); err != nil {
		s.t.Error(err)
	}
}

// restart replaces a server, and returns when the old one has ended.
func (s *street) restart(ctx context.Context, i int) error {
	s.mu.Lock()
	old := s.houses[i]
	s.houses[i] = s.build(i)
	s.mu.Unlock()
	return old.Shutdown(ctx)
}

// TestRestartsLoseNothing has clients that ask two servers by the same connections, while the servers are replaced. A client that
// is told that its connection ends makes another one; each request has its answer.
func TestRestartsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(own string) http.Handler{
		"handler": func(own string) http.Handler { return tellOf(own) },
		"passer":  func(own string) http.Handler { return &passer{served: tellOf(own)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStreet(t, 2, handler)
			ctx, stop := context.WithCancel(t.Context())
			var clients, restarts sync.WaitGroup
			for first := range 4 {
				clients.Go(func() { s.walk(first, 400) })
			}
			n := 0
			restarts.Go(func() {
				for ; ctx.Err() == nil; n++ {
					if err := s.restart(t.Context(), n%2); err != nil {
						t.Error(err)
					}
				}
			})
			clients.Wait()
			stop()
			restarts.Wait()
			fmt.Printf("count: restarts under load (%s): %d, and no request was lost\n", name, n)
		})
	}
}

// walk asks the servers in turn.
func (s *street) walk(first, requests int) {
	var c *client
	for i := range requests {
		if c == nil {
			near, far := pair(s.t)
			s.give(far, nil)
			c = near
		}
		path := fmt.Sprintf("/%d/%d", first, i)
		fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %d\r\n\r\n", path, (first+i/3)%2)
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			s.t.Errorf("request %d: %v", i, err)
			return
		}
		if body := make([]byte, res.ContentLength); res.ContentLength < 0 {
			s.t.Errorf("request %d has no length", i)
		} else if n, _ := res.Body.Read(body); string(body[:n]) != "GET "+path+" " {
			s.t.Errorf("request %d is answered with %q", i, body[:n])
		}
		if res.Close {
			c.conn.Close()
			c = nil
		}
	}
	if c != nil {
		c.conn.Close()
	}
}
