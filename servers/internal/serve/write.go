package serve

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// responseState is what has become of the answer to the current request.
type responseState struct {
	mu    sync.Mutex
	state answerState
	rate  DataRate
	until int64        // when the client must have taken all that was written, on the core's clock
	by    atomic.Int64 // the same while a write waits, else 0
}

type answerState byte

const (
	unanswered answerState = iota
	answering              // the handler's answer is on its way
	refused                // the server has answered, or nobody is there to be answered
)

func (r *responseState) reset(rate DataRate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.rate, r.until = unanswered, rate, 0
}

func (r *responseState) refused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == refused
}

// cut makes what the handler writes go nowhere.
func (r *responseState) cut() answerState {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.state
	r.state = refused
	return was
}

// start reports whether the handler may write p. Interim answers (1xx) leave the final one to come.
func (r *responseState) start(p []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == unanswered && !isInterim(p) {
		r.state = answering
	}
	return r.state != refused
}

func isInterim(p []byte) bool {
	return len(p) > len("HTTP/1.1 100") && p[9] == '1' && string(p[9:12]) != "101"
}

// errRefused is what net/http gets when it writes an answer to a request that was refused.
var errRefused = fmt.Errorf("request refused: %w", net.ErrClosed)

func (c *conn) Write(p []byte) (int, error) {
	if c.hijacked.Load() {
		return c.Conn.Write(p)
	}
	if !c.response.start(p) {
		return 0, errRefused
	}
	c.watchWrite(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.response.by.Store(0)
	return n, err
}

// watchWrite begins the time that n bytes may take: the grace period, or longer for many bytes. As with Kestrel a client that
// took earlier bytes slowly has no less time for these, and one that was fast no more than is due.
func (c *conn) watchWrite(n int64) {
	r := &c.response
	if r.rate.BytesPerSecond <= 0 {
		return
	}
	allowance := int64(r.rate.Allowance(n))
	r.until = max(c.core.now()+max(int64(r.rate.GracePeriod), allowance), r.until+allowance)
	r.by.Store(r.until)
}

// SetWriteDeadline is net/http's and the handler's. net/http asks for none after each request, which mostly is what there is.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.writeDeadline.Load() {
		return nil
	}
	c.writeDeadline.Store(true)
	return c.Conn.SetWriteDeadline(t)
}

// refuseHead refuses a request that no handler has seen. The error is net/http's sign to close without a word.
func (c *conn) refuseHead(f *fault) error {
	c.refuse(f)
	return io.EOF
}

// refuse answers in the handler's place, or cuts the connection off when the handler's answer has begun and the client is
// too slow to get the rest.
func (c *conn) refuse(f *fault) {
	c.core.log.Debug("request refused", slog.Int("status", f.status), slog.String("reason", f.reason),
		slog.String("remote", c.RemoteAddr().String()))
	switch c.response.cut() {
	case unanswered:
		b := f.answer(c.core.serverHeader)
		c.watchWrite(int64(len(b)))
		c.Conn.Write(b)
		c.response.by.Store(0)
		c.CloseWrite()
	case answering:
		if f.status == http.StatusRequestTimeout {
			c.abort()
		}
	}
}

// sayContinue sends 100 Continue when the client waits for it and the handler wants the body. Nothing is sent when bytes of
// the body are there.
func (c *conn) sayContinue() {
	if !c.request.continues {
		return
	}
	c.request.continues = false
	r := &c.response
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == unanswered && len(c.in) == 0 {
		io.WriteString(c.Conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
}

// tcpConn adds what only TCP has: files go from the disk to the socket without passing through the program.
type tcpConn struct {
	*conn
	tcp io.ReaderFrom
}

// filePiece is how much of a file is sent before the time that it may take begins anew.
const filePiece = 256 << 10

// ReadFrom is net/http's way to sendfile.
func (c tcpConn) ReadFrom(r io.Reader) (int64, error) {
	if c.hijacked.Load() {
		return c.tcp.ReadFrom(r)
	}
	file, left := regularFile(r)
	if file == nil {
		// A copy by way of Write: the source may be slower than the client has to be.
		return copyTo(onlyWriter{c}, r)
	}
	if !c.response.start(nil) {
		return 0, errRefused
	}
	defer c.response.by.Store(0)
	var total int64
	for left > 0 {
		piece := io.LimitedReader{R: file, N: min(left, filePiece)}
		asked := piece.N
		c.watchWrite(asked)
		n, err := c.tcp.ReadFrom(&piece)
		total += n
		left -= n
		if err != nil || n < asked {
			return total, err
		}
	}
	return total, nil
}

// regularFile finds the file in r and how much of it is asked for; nil when it is something else.
func regularFile(r io.Reader) (*os.File, int64) {
	left := int64(1<<63 - 1)
	if l, ok := r.(*io.LimitedReader); ok {
		r, left = l.R, l.N
	}
	file, ok := r.(*os.File)
	if !ok {
		return nil, 0
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	return file, left
}

// onlyWriter hides ReadFrom.
type onlyWriter struct{ io.Writer }

func copyTo(w io.Writer, r io.Reader) (int64, error) {
	buffer := drainBuffers.Get().(*[drainBuffer]byte)
	defer drainBuffers.Put(buffer)
	return io.CopyBuffer(w, r, buffer[:])
}
