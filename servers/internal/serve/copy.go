package serve

import (
	"io"
	"io/fs"
	"sync"
	"syscall"
)

// ReadFrom copies r into the response. A file goes to a TCP connection without passing through the program.
func (w *response) ReadFrom(r io.Reader) (n int64, err error) {
	if w.hijacks || w.over.Load() {
		return w.copy(r)
	}
	if !w.sent { // the first bytes say what type of content it is
		n, err = w.copy(io.LimitReader(r, sniffLen))
		if err != nil || n < sniffLen {
			return n, err
		}
	}
	if err := w.flush(); err != nil {
		return n, err
	}
	if !w.chunks && !w.isHead && bodyAllowed(w.status) {
		sent, err := w.x.conn.sendFile(r, w.room())
		w.written += sent
		n += sent
		if err != nil {
			return n, err
		}
	}
	more, err := w.copy(r)
	return n + more, err
}

// copy passes r through the program. Its buffer is not held while the system sends a file to a slow client.
func (w *response) copy(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(onlyWriter{w}, r, buffer[:])
}

// room is how much of the body may still come.
func (w *response) room() int64 {
	if w.declared < 0 {
		return 1<<63 - 1
	}
	return w.declared - w.written
}

const copyBuffer = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// sniffLen is how many bytes http.DetectContentType looks at.
const sniffLen = 512

// onlyWriter hides ReadFrom.
type onlyWriter struct{ io.Writer }

// filePiece is how much of a file is sent before the time that it may take begins anew.
const filePiece = 256 << 10

// sendFile has the system send what r has from the disk, without passing it through the program, as far as there is room for it
// in the response. It sends nothing when r is not that, or the connection is not TCP's own.
func (c *conn) sendFile(r io.Reader, room int64) (sent int64, err error) {
	tcp, ok := c.Conn.(io.ReaderFrom)
	if !ok || c.tls != nil {
		return 0, nil
	}
	left := room
	if l, ok := r.(*io.LimitedReader); ok {
		r, left = l.R, min(l.N, room)
		defer func() { l.N -= sent }()
	}
	if !isRegularFile(r) {
		return 0, nil
	}
	defer c.answer.by.Store(0)
	for left > 0 {
		piece := io.LimitedReader{R: r, N: min(left, filePiece)}
		asked := piece.N
		if !c.answer.begin(c.core, asked) {
			return sent, errRefused
		}
		n, err := tcp.ReadFrom(&piece)
		sent += n
		left -= n
		if err != nil || n < asked {
			return sent, err
		}
	}
	return sent, nil
}

// isRegularFile knows *os.File, and what io.Copy makes of one.
func isRegularFile(r io.Reader) bool {
	file, ok := r.(interface {
		fs.File
		syscall.Conn
	})
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}
