package serve

import (
	"os"
	"sync"
	"time"
)

// watcher is the goroutine that sees a client go away while a handler runs. It is started when somebody waits for that: the
// context's Done was called, and the body, whose reader would see it as well, has been read. conn.mu guards it.
type watcher struct {
	wanted bool // somebody waits
	body   bool // there is a body that has not been read to its end
	runs   bool
	stop   bool
	ended  sync.Cond
}

var noDeadline time.Time

// begin is for a new request.
func (w *watcher) begin(body bool) { w.wanted, w.body, w.stop = false, body, false }

// watch is called when somebody waits for the client to go away.
func (c *conn) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher.wanted = true
	c.startWatcher()
}

// bodyEnded is called when the body has been read to its end.
func (c *conn) bodyEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher.body = false
	c.startWatcher()
}

func (c *conn) startWatcher() {
	w := &c.watcher
	if w.wanted && !w.body && !w.runs && !w.stop {
		w.runs = true
		go c.readAhead()
	}
}

// watched is how much of later requests is taken in while a handler runs.
const watched = 4 << 10

// readAhead reads until the client has gone, enough has come, or it is stopped. What comes is kept for later.
func (c *conn) readAhead() {
	var err error
	one := make([]byte, 1) // no buffer is held for the many clients that send nothing
	for err == nil && len(c.in) < watched {
		into := one
		if len(c.in) > 0 {
			into = c.space()
		}
		var n int
		n, err = c.fill(into, forNothing)
		if n > 0 && len(c.in) == 0 {
			c.in = append(c.space()[:0], one[:n]...)
		} else {
			c.in = c.in[:len(c.in)+n]
		}
	}
	c.mu.Lock()
	stopped := c.watcher.stop
	c.mu.Unlock()
	if err != nil && (!stopped || !os.IsTimeout(err)) { // a deadline of the handler's own counts as the client's end
		c.gone()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher.runs = false
	c.watcher.ended.Broadcast()
}

// stopWatching ends the goroutine, if there is one, and lets none begin.
func (c *conn) stopWatching() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher.stop = true
	if c.watcher.runs {
		c.interrupt()
	}
	for c.watcher.runs {
		c.watcher.ended.Wait()
	}
}
