package serve

import (
	"fmt"
	"net/http"
	"runtime"
)

// broken ends the request of a handler that has panicked with e or, when e is nil, has called runtime.Goexit.
func (c *conn) broken(e any) {
	c.forced.Store(true) // nobody lingers for it
	if x := c.x; x != nil {
		x.response.over.Store(true)
		x.context.end()
		c.stopWatching()
		x.response.endBody()
	}
	if e != nil && e != http.ErrAbortHandler {
		c.core.panicked(c.remote, e)
	}
}

// panicked tells about a panic as net/http does.
func (k *core) panicked(remote string, e any) {
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, false)]
	k.log.Error(fmt.Sprintf("http: panic serving %v: %v\n%s", remote, e, stack))
}
