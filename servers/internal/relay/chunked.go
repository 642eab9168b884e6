package relay

import (
	"bytes"
	"strings"
)

// copyChunks passes on a chunked body and its trailers (RFC 9112, 7.1). Lines end in CRLF, and a size has at most 15 digits.
func (x *exchange) copyChunks() error {
	for {
		size, err := x.chunkSize()
		if err != nil {
			return err
		}
		if size == 0 {
			return x.copyTrailers()
		}
		if err := x.copyLength(size); err != nil {
			return err
		}
		end, err := x.chunkLine(len("\r\n"))
		if err != nil {
			return err
		}
		if len(end) != 0 {
			return badResponse("a chunk is longer than its size")
		}
	}
}

// chunkLine takes a line of at most max bytes, and gives it without its end.
func (x *exchange) chunkLine(max int) ([]byte, error) {
	for {
		i := bytes.IndexByte(x.in, '\n')
		switch {
		case i >= max || i < 0 && len(x.in) >= max:
			return nil, badResponse("a line between chunks is longer than %d bytes", max)
		case i == 0 || i > 0 && x.in[i-1] != '\r':
			return nil, badResponse("LF without CR between chunks")
		case i > 0:
			line := x.in[:i-1]
			x.in = x.in[i+1:]
			return line, nil
		}
		if err := x.more(); err != nil {
			return nil, err
		}
	}
}

// maxSizeLine is for a chunk's size with its extensions, which nobody uses.
const maxSizeLine = 4 << 10

func (x *exchange) chunkSize() (size int64, err error) {
	text, err := x.chunkLine(maxSizeLine)
	if err != nil {
		return 0, err
	}
	text, extension, _ := bytes.Cut(text, []byte(";"))
	text = bytes.TrimRight(text, " \t") // RFC 9112, 7.1.1: some write it
	if len(text) == 0 || len(text) > 15 || bytes.IndexByte(extension, '\r') >= 0 {
		return 0, badResponse("a chunk without a size")
	}
	for _, c := range text {
		digit := strings.IndexByte("0123456789abcdef", lower(c))
		if digit < 0 {
			return 0, badResponse("%q is no size of a chunk", cut(string(text)))
		}
		size = size<<4 | int64(digit)
	}
	return size, nil
}

// copyTrailers passes on what follows the last chunk.
func (x *exchange) copyTrailers() error {
	var trailers []line
	for left := maxHead; ; {
		text, err := x.chunkLine(left)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			break
		}
		left -= len(text) + len("\r\n")
		h := head{length: -1}
		if err := h.field(string(text)); err != nil {
			return err
		}
		for _, l := range h.lines {
			if x.isTrailer(l.name) {
				trailers = append(trailers, l)
			}
		}
	}
	if len(trailers) > 0 || x.w.Header()["Trailer"] != nil {
		endTrailers(x.w.Header(), trailers)
	}
	return nil
}
