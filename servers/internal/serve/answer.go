package serve

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers/limits"
)

// answer is what has gone to the client of the current request: nothing, the handler's response, or the server's refusal.
// All that is written to a connection before it is hijacked goes through here.
type answer struct {
	mu    sync.Mutex
	state answerState
	rate  limits.DataRate
	until int64        // when the client must have taken all that was written, on the core's clock
	by    atomic.Int64 // the same while a write waits, else 0
}

type answerState byte

const (
	unanswered answerState = iota
	answering              // the handler's response is on its way
	refused                // the server has answered, or nobody is there to be answered
)

// errRefused is what a handler gets when it writes a response to a request that was refused.
var errRefused = fmt.Errorf("request refused: %w", net.ErrClosed)

func (a *answer) reset(rate limits.DataRate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state, a.rate, a.until = unanswered, rate, 0
}

func (a *answer) setRate(rate limits.DataRate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rate = rate
}

func (a *answer) isRefused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state == refused
}

// cut makes what the handler writes go nowhere.
func (a *answer) cut() answerState {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.state
	a.state = refused
	return was
}

// begin reports whether the handler may write n bytes, and begins the time that they may take: the grace period, or longer for
// many bytes. As with Kestrel a client that took earlier bytes slowly has no less time for these, and one that was fast no
// more than is due.
func (a *answer) begin(k *core, n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == refused {
		return false
	}
	a.state = answering
	a.watch(k, n)
	return true
}

func (a *answer) watch(k *core, n int64) {
	if a.rate.BytesPerSecond <= 0 {
		return
	}
	allowance := int64(a.rate.Allowance(n))
	a.until = max(k.now()+max(int64(a.rate.GracePeriod), allowance), a.until+allowance)
	a.by.Store(a.until)
}

// interim sends p unless the final answer has begun.
func (c *conn) interim(p []byte) {
	a := &c.answer
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == unanswered {
		a.watch(c.core, int64(len(p)))
		_, err := c.Conn.Write(p)
		c.wrote(err)
	}
}

// send writes p to the connection.
func (c *conn) send(p []byte) error {
	if !c.answer.begin(c.core, int64(len(p))) {
		return errRefused
	}
	_, err := c.Conn.Write(p)
	return c.wrote(err)
}

// wrote ends the time that a write may take. When it has failed nobody waits for the response.
func (c *conn) wrote(err error) error {
	c.answer.by.Store(0)
	if err != nil {
		c.gone()
	}
	return err
}

// sendBoth writes p and then q, at once where the system can.
func (c *conn) sendBoth(p, q []byte) error {
	if !c.answer.begin(c.core, int64(len(p)+len(q))) {
		return errRefused
	}
	if socket := socketOf(c.Conn); socket != nil {
		both := net.Buffers{p, q}
		_, err := both.WriteTo(socket)
		return c.wrote(err)
	}
	_, err := c.Conn.Write(p)
	if err == nil {
		_, err = c.Conn.Write(q)
	}
	return c.wrote(err)
}

// refuse answers in the handler's place, or cuts the connection off when the handler's answer has begun and the client is
// too slow to get the rest.
func (c *conn) refuse(f *fault) {
	c.core.log.Debug("request refused", slog.Int("status", f.status), slog.String("reason", f.reason), slog.String("remote", c.remote))
	switch c.answer.cut() {
	case unanswered:
		b := f.answer(c.core.server.ServerHeader)
		c.answer.mu.Lock()
		c.answer.watch(c.core, int64(len(b)))
		c.answer.mu.Unlock()
		_, err := c.Conn.Write(b)
		c.wrote(err)
		c.closeWrite()
	case answering:
		if f.status == http.StatusRequestTimeout {
			c.abort()
		}
	}
}
