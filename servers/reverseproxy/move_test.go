package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted is an app that says who it is.
func counted(t *testing.T, name string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, name)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestMoveLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		const rounds = 4
		s := play(t, program, counted(t, "none").URL, func(c *Config, p *Public) {
			p.Endpoint = url(t, "https://localhost:0")
			c.Public = append(c.Public, *p)
		})
		load := newLoad(s)
		old := counted(t, "0")
		if err := s.Move(t.Context(), url(t, old.URL)); err != nil {
			t.Fatal(explain(err))
		}
		load.start(t)
		for round := 1; round <= rounds; round++ {
			name := fmt.Sprint(round)
			app := counted(t, name)
			if err := s.Move(t.Context(), url(t, app.URL)); err != nil {
				t.Fatal(explain(err))
			}
			old.Close() // nobody may need it any more
			old = app
			if _, body := s.get(t, s.url(0)); body != name {
				t.Errorf("after the move: got %q, want %q", body, name)
			}
			load.await(t)
		}
		load.stop()
		t.Logf("%d requests, %d of them answered by %d apps", load.sent.Load(), load.answered(), len(load.bodies))
		if len(load.errors) > 0 {
			t.Errorf("%d requests were lost, such as %v", len(load.errors), load.errors[0])
		}
		if load.bodies["none"] > 0 {
			t.Errorf("an app that was left before the load began was asked")
		}
	})
}

// load sends requests without end: over new connections, kept ones and HTTP/2.
type load struct {
	stage  *stage
	sent   atomic.Int64
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu     sync.Mutex
	bodies map[string]int
	errors []error
}

func newLoad(s *stage) *load { return &load{stage: s, bodies: map[string]int{}} }

func (l *load) start(t *testing.T) {
	l.ctx, l.cancel = context.WithCancel(t.Context())
	t.Cleanup(l.stop)
	single := l.stage.http.Transport.(*http.Transport).Clone()
	single.DisableKeepAlives = true
	for _, client := range []struct {
		transport    http.RoundTripper
		method, path string
	}{
		{single, "GET", l.stage.url(0)}, {single, "POST", l.stage.url(0)}, {single, "GET", l.stage.url(0)},
		{l.stage.http.Transport, "GET", l.stage.url(0)}, {l.stage.http.Transport, "GET", l.stage.url(1)},
	} {
		l.group.Go(func() {
			for l.ctx.Err() == nil {
				l.once(client.transport, client.method, client.path)
			}
		})
	}
}

func (l *load) once(transport http.RoundTripper, method, url string) {
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(strings.Repeat("x", 10000))
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	l.sent.Add(1)
	got, err := answer(transport, request)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errors = append(l.errors, fmt.Errorf("%s %s: %w", method, url, err))
		return
	}
	l.bodies[got]++
}

func answer(transport http.RoundTripper, request *http.Request) (string, error) {
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(body), err
}

// await waits for some more requests.
func (l *load) await(t *testing.T) {
	t.Helper()
	limit := time.After(patience)
	for target := l.sent.Load() + 50; l.sent.Load() < target; {
		select {
		case <-limit:
			t.Fatal("no request goes through")
		case <-time.After(time.Millisecond):
		}
	}
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

func (l *load) answered() (n int) {
	for _, count := range l.bodies {
		n += count
	}
	return n
}

func TestMoveTellsOfWhatDoesNotEnd(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, echoUpgraded), nil)
		conn, in := upgrade(t, s)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		moved := make(chan error, 1)
		go func() { moved <- s.Move(ctx, url(t, counted(t, "new").URL)) }()
		for { // new requests go to the new app while the old one keeps its WebSocket
			if body, err := answer(&http.Transport{DisableKeepAlives: true}, must(http.NewRequest("GET", s.url(0), nil))); err == nil && body == "new" {
				break
			}
			if t.Context().Err() != nil || ctx.Err() != nil {
				t.Fatal("the move has no effect")
			}
		}
		fmt.Fprint(conn, "still there\n")
		if line, err := in.ReadString('\n'); line != "still there\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		cancel()
		err := <-moved
		if draining, ok := errors.AsType[*DrainingError](err); err != nil && (!ok || len(draining.PIDs) == 0) && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		} else if err == nil {
			t.Error("the move is said to be complete")
		}
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestMoveToNowhere(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, hello), nil)
		for _, bad := range []string{"https://127.0.0.1:5001", "http://127.0.0.1:0", "http://*:5001", "http://127.0.0.1:5001/base"} {
			if _, ok := errors.AsType[*EndpointError](s.Move(t.Context(), url(t, bad))); !ok {
				t.Errorf("%s is taken", bad)
			}
		}
		if _, body := s.get(t, s.url(0)); body != "hello" {
			t.Errorf("got %q", body)
		}
	})
}
