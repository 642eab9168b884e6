package serve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// ErrUpgradeLimit is what Hijack returns when as many connections are upgraded as may be.
var ErrUpgradeLimit = errors.New("too many upgraded connections")

// upgradeWriter keeps MaxConcurrentUpgradedConnections. Requests have it only where there is such a limit.
type upgradeWriter struct {
	http.ResponseWriter
	c *conn
}

func (w upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.c.reserveUpgrade() {
		return nil, nil, ErrUpgradeLimit
	}
	nc, rw, err := w.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		w.c.freeUpgrade()
	}
	return nc, rw, err
}

func (c *conn) reserveUpgrade() bool {
	if !c.upgraded.CompareAndSwap(false, true) {
		return true // Hijack knows what to say to a second call
	}
	if c.core.upgrades.Add(1) <= c.core.limits.MaxConcurrentUpgradedConnections {
		return true
	}
	c.freeUpgrade()
	return false
}

func (c *conn) freeUpgrade() {
	if c.upgraded.CompareAndSwap(true, false) {
		c.core.upgrades.Add(-1)
	}
}

func (w upgradeWriter) Flush()                      { w.ResponseWriter.(http.Flusher).Flush() }
func (w upgradeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w upgradeWriter) ReadFrom(r io.Reader) (int64, error) {
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}
