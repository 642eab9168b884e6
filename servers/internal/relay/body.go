package relay

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// sender is the goroutine that sends a body, as long as there is one. What it leaves is read when it has ended.
type sender struct {
	done    chan struct{} // closed at its end; nil: there was none
	began   bool          // something of the body may have been read
	late    atomic.Bool   // the app does not take the body
	stops   atomic.Bool   // nobody wants the body any more: that it cannot be read says nothing
	bodyErr error         // why the body cannot be read
	whole   bool          // all of it was sent
}

func (s *sender) reset() {
	s.done, s.began, s.bodyErr, s.whole = nil, false, nil, false
	s.late.Store(false)
	s.stops.Store(false)
}

// startBody sends the body while the response is read, which may come before the body has ended.
func (x *exchange) startBody() {
	http.NewResponseController(x.w).EnableFullDuplex() // not needed, where it is unknown
	x.mu.Lock()
	x.sending = true
	x.mu.Unlock()
	x.began = true
	x.done = make(chan struct{})
	go func() {
		defer close(x.done)
		defer x.bodySent()
		x.sendBody()
	}()
}

// continueBody is called when the app has asked for the body, or does not care. The client gets its 100 Continue
// from the server when the body is read.
func (x *exchange) continueBody() {
	if x.expects {
		x.expects = false
		x.startBody()
	}
}

func (x *exchange) sendBody() {
	c, body := x.conn, x.req.Body
	buffer := bulkBuffers.Get().(*[bulkBuffer]byte)
	defer bulkBuffers.Put(buffer)
	err := error(nil)
	if x.chunked {
		err = x.sendChunks(c, body, buffer[:])
	} else {
		err = x.sendLength(c, body, buffer[:], x.req.ContentLength-int64(x.small))
	}
	switch {
	case err == nil:
		x.whole = true
	case x.stops.Load():
		x.bodyErr = nil
	case x.bodyErr != nil:
		c.Close() // the app must not take what it has for all
	case isTimeout(err):
		x.late.Store(true)
		c.Close()
	}
	// Any other failure to write: the app may have answered before it has closed.
}

// errBodyLength is for handlers before this one that have put another body into a request.
var errBodyLength = errors.New("the body is not as long as its Content-Length")

func (x *exchange) sendLength(c *conn, body io.Reader, buffer []byte, left int64) error {
	for left > 0 {
		n, err := body.Read(buffer[:min(int64(len(buffer)), left)])
		if n > 0 {
			if err := x.write(c, buffer[:n]); err != nil {
				return err
			}
		}
		left -= int64(n)
		switch {
		case err == io.EOF && left > 0:
			x.bodyErr = errBodyLength
			return x.bodyErr
		case err != nil && err != io.EOF:
			x.bodyErr = err
			return err
		}
	}
	return nil
}

// sizeRoom is for a chunk's size before it, and its end behind it.
const sizeRoom = len("ffffffff\r\n")

func (x *exchange) sendChunks(c *conn, body io.Reader, buffer []byte) error {
	for {
		n, err := body.Read(buffer[sizeRoom : len(buffer)-len("\r\n")])
		if n > 0 {
			if err := x.write(c, frameChunk(buffer, n)); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return x.write(c, x.appendTrailers(append(buffer[:0], "0\r\n"...)))
		case err != nil:
			x.bodyErr = err
			return err
		}
	}
}

// frameChunk puts a size before the n bytes that stand behind the room for it.
func frameChunk(buffer []byte, n int) []byte {
	var size [sizeRoom]byte
	digits := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
	from := sizeRoom - len(digits)
	copy(buffer[from:], digits)
	return append(buffer[from:sizeRoom+n], "\r\n"...)
}

func (x *exchange) write(c *conn, b []byte) error {
	c.SetWriteDeadline(x.limit())
	_, err := c.Write(b)
	return err
}

// appendTrailers writes what follows the last chunk. Some servers take trailers for fields: none of those that
// the front alone may send goes through.
func (x *exchange) appendTrailers(out []byte) []byte {
	keys := make([]string, 0, len(x.req.Trailer))
	for key := range x.req.Trailer {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if x.isTrailer(key) {
			for _, value := range x.req.Trailer[key] {
				out = appendField(out, key, value)
			}
		}
	}
	return append(out, "\r\n"...)
}

// isTrailer reports whether a field may stand behind a body, in either direction.
func (x *exchange) isTrailer(key string) bool {
	return httpguts.ValidTrailerHeader(http.CanonicalHeaderKey(key)) && x.isForApp(key)
}

// settling is how long the end of a body is waited for when the response is whole.
const settling = 50 * time.Millisecond

// settle reports whether the body was sent to its end. An app that has answered mostly has read all of it, and its last bytes have
// been written, but the goroutine that did it has not got to its end.
func (x *exchange) settle() bool {
	if x.expects {
		return false // the app does not want it, or will take what comes next for it
	}
	if x.done == nil {
		return true
	}
	select {
	case <-x.done:
		return x.whole
	default:
	}
	if x.flush() != nil {
		return false
	}
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-x.done:
		return x.whole
	case <-timer.C:
		return false
	}
}

// stopBody ends the goroutine. The connection is closed by now.
func (x *exchange) stopBody() {
	if x.done == nil {
		return
	}
	select {
	case <-x.done:
	default:
		x.stops.Store(true)
		// Two ways to end a Read that waits: net/http's own bodies know the first only.
		http.NewResponseController(x.w).SetReadDeadline(time.Unix(1, 0))
		x.req.Body.Close()
		<-x.done
	}
	x.done = nil
}
