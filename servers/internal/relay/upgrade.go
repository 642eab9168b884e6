package relay

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// upgrade makes one connection of the client's and the app's, until both sides have ended it or the context of the request
// ends. An error comes before the client has been told anything.
func (x *exchange) upgrade(h head) error {
	client, early, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return &RefusalError{
			Status: http.StatusServiceUnavailable, Reason: "the connection cannot be upgraded: " + err.Error(),
			hint: "see the limit MaxConcurrentUpgradedConnections", Err: err,
		}
	}
	defer client.Close()
	app := x.conn.Conn
	if !x.unwatch() {
		return nil // the context has ended
	}
	app.SetDeadline(time.Time{})
	stop := context.AfterFunc(x.req.Context(), func() {
		client.Close()
		app.Close()
	})
	defer stop()
	if _, err := client.Write(x.appendSwitch(h)); err != nil {
		return nil // the client has gone; it is nobody's request any more
	}
	var both sync.WaitGroup
	both.Go(func() { carry(app, client, early.Reader, x.fixed.request[:]) })
	carry(client, app, io.MultiReader(&rest{x}, app), x.buffer)
	both.Wait()
	return nil
}

// appendSwitch writes the app's 101 for the client.
func (x *exchange) appendSwitch(h head) []byte {
	protocol := x.protocol
	if x.relay.options.Plain {
		protocol = h.upgrade // one of several, or in another case
	}
	out := appendField([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"), "Upgrade", protocol)
	for _, l := range h.lines {
		if !h.isDropped(l.name) {
			out = appendField(out, l.name, l.value)
		}
	}
	return append(out, "\r\n"...)
}

// carry copies one direction, and passes on that it has ended. When it fails the other direction ends, too.
func carry(to, from net.Conn, source io.Reader, buffer []byte) {
	if _, err := io.CopyBuffer(onlyWriter{to}, onlyReader{source}, buffer); err != nil {
		to.Close()
		from.Close()
		return
	}
	closeWrite(to)
}

// rest is what the app has sent behind its head.
type rest struct{ x *exchange }

func (r *rest) Read(p []byte) (int, error) {
	if len(r.x.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.x.in)
	r.x.in = r.x.in[n:]
	return n, nil
}

// onlyWriter and onlyReader hide other ways to copy: the system's own would hold a pipe for each direction of each
// WebSocket, most of which are silent.
type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)
