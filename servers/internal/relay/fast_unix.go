//go:build unix

package relay

import (
	"os"
	"syscall"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// run has move called until it is done or the app's time is over. All is one read of the RawConn, which begins by forgetting
// what the poller has told before: no response comes before its request, and what came earlier the look in begin sees. So
// nobody has to ask the socket for what is not there yet.
func (f *flight) run() {
	if f.conn.probe.raw == nil || f.conn.probe.raw.Read(f.step) == nil {
		return
	}
	if f.state == nowAsking { // it took us too long to begin: nobody has looked at the connection
		f.state = nowStale
	}
}

// move does what can be done now. It reports false when the app has to send something first.
func (f *flight) move(fd uintptr) bool {
	if f.state == nowAsking {
		return f.begin(fd)
	}
	for {
		n, e := serve.Recv(fd, f.in[len(f.in):cap(f.in)])
		switch {
		case e == syscall.EAGAIN:
			return false
		case e != 0:
			f.fails("read", os.NewSyscallError("read", e))
			return true
		case n == 0:
			return f.ended()
		}
		f.moved = true
		f.in = f.in[:len(f.in)+n]
		if f.took(n) {
			return true
		} // otherwise all is read: the end of the stream may have come with this
	}
}

// begin sends the request, on a connection on which nothing has come: what comes between two requests is no response. The look
// is never spared, also where the connection has had a request just now: an app may say more than its response was long.
func (f *flight) begin(fd uintptr) bool {
	if _, e := serve.Peek(fd, f.fixed.in[:1]); e != syscall.EAGAIN {
		f.state = nowStale
		return true
	}
	n, e := serve.Send(fd, f.out)
	f.sent = n
	switch {
	case e != 0 && e != syscall.EAGAIN:
		f.fails("write", os.NewSyscallError("write", e))
		return true
	case n < len(f.out):
		f.state = nowStuck
		return true
	}
	f.state = nowListening
	return false
}
