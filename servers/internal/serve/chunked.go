package serve

import (
	"bytes"
	"io"
	"net/http"
)

// chunks is the state of a chunked body (RFC 9112, 7.1), read as strictly as Kestrel does: a size is one to eight digits,
// lines end in CRLF, and CR stands nowhere else.
type chunks struct {
	seen    int64 // bytes with their framing: what counts against the limit
	whole   int64 // seen where a read may begin anew
	between bool  // a chunk's data has ended, its CRLF is next
	fields  int   // field lines of head and trailers
}

// maxSizeDigits is how long a chunk's size may be.
const maxSizeDigits = 8

// nextChunk reads up to the next chunk's data. At the end of the body it returns io.EOF, with the trailers read.
func (b *body) nextChunk() error {
	b.chunks.whole = b.chunks.seen
	if b.chunks.between {
		if err := b.expectCRLF("chunk data without its end"); err != nil {
			return err
		}
		b.chunks.between = false
		b.chunks.whole = b.chunks.seen
	}
	size, err := b.chunkSize()
	if err != nil {
		return err
	}
	if size == 0 {
		return b.trailers()
	}
	b.left = size
	b.chunks.between = true
	return b.observe(size)
}

// isTorn reports whether a read has ended inside the framing of a chunk. What is read next would be taken for something else
// than it is.
func (b *body) isTorn() bool {
	return b.chunks != nil && b.left == 0 && b.chunks.seen != b.chunks.whole
}

// observe counts n bytes against the limit. The last CRLF counts, trailers do not.
func (b *body) observe(n int64) error {
	b.chunks.seen += n
	if b.chunks.seen > b.x.bodyLimit() {
		return faultBodyTooLarge
	}
	return nil
}

func (b *body) chunkSize() (int64, error) {
	var size int64
	for digits := 0; ; digits++ {
		c, err := b.next()
		if err != nil {
			return 0, err
		}
		switch {
		case isHex(c) && digits < maxSizeDigits:
			size = size<<4 | int64(hexValue(c))
		case digits == 0 || c != ';' && c != '\r':
			return 0, bad("invalid chunk size")
		case c == ';':
			return size, b.skipExtension()
		default:
			return size, b.expectLF()
		}
	}
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}

func (b *body) skipExtension() error {
	for {
		switch c, err := b.next(); {
		case err != nil:
			return err
		case c == '\r':
			return b.expectLF()
		case c == '\n':
			return bad("LF without CR in a chunk's extension")
		}
	}
}

func (b *body) expectCRLF(reason string) error {
	if c, err := b.next(); err != nil {
		return err
	} else if c != '\r' {
		return bad(reason)
	}
	return b.expectLF()
}

func (b *body) expectLF() error {
	if c, err := b.next(); err != nil {
		return err
	} else if c != '\n' {
		return bad("CR without LF in the framing of a chunk")
	}
	return nil
}

// next reads a byte of the framing.
func (b *body) next() (byte, error) {
	if len(b.c.in) == 0 {
		if err := b.more(); err != nil {
			return 0, err
		}
	}
	c := b.c.in[0]
	b.c.in = b.c.in[1:]
	return c, b.observe(1)
}

// trailers reads the fields after the last chunk and the empty line, and returns io.EOF.
func (b *body) trailers() error {
	limits := &b.c.core.limits
	total := 0
	for {
		line, err := b.trailerLine(limits.MaxRequestHeadersTotalSize - total)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		total += len(line)
		b.chunks.fields++
		if b.chunks.fields > limits.MaxRequestHeaderCount {
			return faultTooManyHeaders
		}
		if err := b.trailer(line); err != nil {
			return err
		}
	}
	if err := b.observe(2); err != nil {
		return err
	}
	return io.EOF
}

// trailerLine gives a line with its end, or nothing for the empty line.
func (b *body) trailerLine(room int) ([]byte, error) {
	for looked := 0; ; {
		in := b.c.in
		if i := bytes.IndexByte(in[looked:], '\n'); i >= 0 {
			line := in[:looked+i+1]
			b.c.in = in[looked+i+1:]
			if string(line) == "\n" || string(line) == "\r\n" {
				return nil, nil
			}
			if len(line) > room {
				return nil, faultHeadersTooLong
			}
			return line, nil
		}
		looked = len(in)
		if looked > max(room, len("\r")) {
			return nil, faultHeadersTooLong
		}
		if err := b.more(); err != nil {
			return nil, err
		}
	}
}

func (b *body) trailer(line []byte) error {
	name, value, f := splitField(bytes.TrimSuffix(line[:len(line)-1], []byte("\r")))
	if f != nil {
		return f
	}
	key := http.CanonicalHeaderKey(string(name))
	if b.drains || b.request == nil || !isTrailer(key) {
		return nil
	}
	if b.request.Trailer == nil {
		b.request.Trailer = http.Header{}
	}
	b.request.Trailer[key] = append(b.request.Trailer[key], string(value))
	return nil
}
