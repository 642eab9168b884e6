//go:build !unix

package relay

import (
	"errors"
	"io"
)

// run is one step on the way: it sends the request and reads the head, or reads more of the body. When the app's time is over
// the state stays.
func (f *flight) run() {
	if f.state == nowAsking && !f.begin() {
		return
	}
	for {
		n, err := f.conn.Read(f.in[len(f.in):cap(f.in)])
		if n > 0 {
			f.moved = true
			f.in = f.in[:len(f.in)+n]
			if f.took(n) {
				return
			}
			continue
		}
		switch {
		case err == nil || isTimeout(err):
		case errors.Is(err, io.EOF):
			f.ended()
		default:
			f.broke(err)
		}
		return
	}
}

// begin sends the request, on a connection on which nothing has come: what comes between two requests is no response.
func (f *flight) begin() bool {
	if !f.conn.isQuiet() {
		f.state = nowStale
		return false
	}
	f.conn.SetWriteDeadline(f.conn.reads)
	n, err := f.conn.Write(f.out)
	f.sent = n
	switch {
	case err == nil:
		f.state = nowListening
		return true
	case isTimeout(err):
		f.state = nowStuck
	default:
		f.broke(err)
	}
	return false
}

// move is for systems where a socket can be asked.
func (*flight) move(uintptr) bool { return true }
