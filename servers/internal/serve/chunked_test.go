package serve

import (
	"bytes"
	"io"
	"net"
	"net/http/httputil"
	"testing"
	"time"
)

// fed is a connection on which some bytes come, and then its end.
type fed struct {
	net.Conn
	io.Reader
}

func (f fed) Read(p []byte) (int, error)     { return f.Reader.Read(p) }
func (fed) Write(p []byte) (int, error)      { return len(p), nil }
func (fed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (fed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (fed) SetReadDeadline(time.Time) error  { return nil }
func (fed) SetWriteDeadline(time.Time) error { return nil }
func (fed) CloseWrite() error                { return nil }
func (f fed) Close() error                   { return nil }

// decode reads a chunked body, and gives what comes after it.
func decode(t testing.TB, k *core, wire io.Reader) (data, rest []byte, err error) {
	t.Helper()
	c := newConn(fed{Reader: wire}, k, Binding{})
	x := &exchange{conn: c, maxBody: -1}
	x.context.x = x
	b := newBody(x, &head{chunked: true, length: -1})
	data, err = io.ReadAll(b)
	rest = append(rest, c.in...)
	if err == nil {
		more, _ := io.ReadAll(wire)
		rest = append(rest, more...)
	}
	return data, rest, err
}

// FuzzChunked holds three things: nothing panics; whatever is taken, Go's own reader takes as well and reads as the same (it is
// the laxer one); and how the bytes arrive does not matter.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET", "1;a=b\r\nx\r\n00\r\nFoo: x\r\n\r\n", "A\r\n0123456789\r\n0\r\n\n", "1\r\nx\n0\r\n\r\n",
		"000000005\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "1\r\nx\r\n0\r\n: y\r\n\r\n", "80000000\r\n", "1;\r\r\nx\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	k := newCore(&Server{})
	f.Cleanup(func() {
		k.stop()
		k.work.Wait()
	})
	f.Fuzz(func(t *testing.T, wire []byte) {
		data, rest, err := decode(t, k, bytes.NewReader(wire))
		slow, slowRest, slowErr := decode(t, k, oneByte{bytes.NewReader(wire)})
		if !bytes.Equal(slow, data) || (err == nil) != (slowErr == nil) || err == nil && !bytes.Equal(slowRest, rest) {
			t.Fatalf("at once %q, %q, %v; a byte at a time %q, %q, %v", data, rest, err, slow, slowRest, slowErr)
		}
		if err != nil {
			return
		}
		if again, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(wire))); !bytes.Equal(again, data) {
			t.Fatalf("we read %q, Go reads %q (%v)", data, again, err)
		}
		if !bytes.HasSuffix(wire, rest) {
			t.Fatalf("%q is not the end of %q", rest, wire)
		}
	})
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }
