package relay

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// finalHead reads the head of the final response, and passes on those before it.
func (x *exchange) finalHead() (head, error) {
	for {
		h, err := x.readHead()
		switch {
		case err != nil:
			return h, err
		case h.status >= 200:
			return h, nil
		case h.status == http.StatusContinue:
			x.continueBody()
		case h.status != http.StatusSwitchingProtocols:
			x.interim(&h)
		case x.agrees(&h):
			return h, nil
		default:
			return h, badResponse("it switches to a protocol that nobody has asked for")
		}
	}
}

func (x *exchange) readHead() (head, error) {
	for looked := 0; ; {
		if end := headEnd(x.in, &looked); end > 0 {
			if end > maxHead {
				return head{}, errHeadTooLong
			}
			text := string(x.in[:end])
			x.in = x.in[end:]
			h, err := parse(text, x.lines)
			x.lines = h.lines
			return h, err
		}
		if len(x.in) >= maxHead {
			return head{}, errHeadTooLong
		}
		if err := x.more(); err == io.EOF && len(x.in) > 0 {
			return head{}, badResponse("it ends inside its head")
		} else if err != nil {
			return head{}, err
		}
	}
}

var errHeadTooLong = badResponse("its head is longer than %d bytes", maxHead)

// more reads behind what is there.
func (x *exchange) more() error {
	if len(x.in) == 0 {
		x.in = x.buffer[:0]
	}
	if len(x.in) == cap(x.in) {
		x.grow()
	}
	n, err := x.read(x.in[len(x.in):cap(x.in)])
	x.in = x.in[:len(x.in)+n]
	if len(x.in) == cap(x.in) && x.bulk == nil {
		x.bulk = bulkBuffers.Get().(*[bulkBuffer]byte) // large pieces come: the next ones may be larger
		x.buffer = x.bulk[:]
	}
	return err
}

// grow moves what is there to where there is more room.
func (x *exchange) grow() {
	if x.bulk == nil || len(x.in) == bulkBuffer {
		x.in = append(make([]byte, 0, 2*len(x.in)), x.in...)
		return
	}
	x.in = x.bulk[:copy(x.bulk[:], x.in)]
}

// interim passes on a response such as 103 Early Hints. Its fields are not those of the final one.
func (x *exchange) interim(h *head) {
	header := x.w.Header()
	before := maps.Clone(header)
	x.copyFields(header, h)
	x.w.WriteHeader(h.status)
	clear(header)
	maps.Copy(header, before)
}

// copyFields adds the fields to header, in their order.
func (x *exchange) copyFields(header http.Header, h *head) {
	values := make([]string, len(h.lines)) // one allocation for all
	for i, l := range h.lines {
		switch {
		case l.name == "Connection" && x.relay.options.ForwardConnection && x.req.ProtoMajor == 1:
		case h.isDropped(l.name):
			continue
		}
		if more := header[l.name]; len(more) > 0 {
			header[l.name] = append(more, l.value)
			continue
		}
		values[i] = l.value
		header[l.name] = values[i : i+1 : i+1]
	}
}

// pass gives the client the final response. It panics when that cannot be done.
func (x *exchange) pass(h head) {
	hasBody := h.hasBody(x.req.Method)
	x.begin(&h, hasBody)
	if hasBody {
		if err := x.copyBody(&h); err != nil {
			x.abort()
		}
	}
	isWhole := x.settle()
	if isWhole && !h.close && len(x.in) == 0 && !x.isTorn(&h, hasBody) {
		x.keep()
	} else if x.conn != nil {
		x.drop()
	}
}

// isTorn reports whether bytes of a body may follow a response that has none: those of a HEAD are announced and never come.
func (x *exchange) isTorn(h *head, hasBody bool) bool {
	if hasBody {
		return !h.chunked && h.length < 0
	}
	return x.req.Method != http.MethodHead && (h.length > 0 || h.chunked) && h.status != http.StatusNotModified
}

// begin gives the client the head.
func (x *exchange) begin(h *head, hasBody bool) {
	header := x.w.Header()
	delete(header, "Server") // the app's or none, never the front's
	x.copyFields(header, h)
	for _, key := range [...]string{"Server", "Content-Type"} {
		if len(header[key]) == 0 {
			header[key] = nil // the front neither names itself nor guesses
		}
	}
	switch {
	case h.length >= 0:
		header["Content-Length"] = []string{strconv.FormatInt(h.length, 10)}
	case h.chunked && hasBody:
		for _, l := range h.lines {
			if l.name == "Trailer" {
				header.Add(l.name, l.value)
			}
		}
		if x.req.ProtoMajor == 1 {
			header["Transfer-Encoding"] = []string{"chunked"} // as it came, also when it is short
		}
	}
	x.w.WriteHeader(h.status)
	x.pending = true
}

// copyBody passes the body on as it comes. An error is either side's.
func (x *exchange) copyBody(h *head) error {
	switch {
	case h.chunked:
		return x.copyChunks()
	case h.length >= 0:
		return x.copyLength(h.length)
	}
	return x.copyRest()
}

func (x *exchange) copyLength(left int64) error {
	for left > 0 {
		if len(x.in) == 0 {
			if err := x.more(); err != nil {
				return err
			}
		}
		n := min(int64(len(x.in)), left)
		if err := x.give(int(n)); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// copyRest is for a body that ends with the connection.
func (x *exchange) copyRest() error {
	for {
		if err := x.give(len(x.in)); err != nil {
			return err
		}
		if err := x.more(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// give passes on n bytes of what is there.
func (x *exchange) give(n int) error {
	if n == 0 {
		return nil
	}
	b := x.in[:n]
	x.in = x.in[n:]
	x.pending = true
	_, err := x.w.Write(b)
	return err
}

// endTrailers makes trailers of what header is to say after the body.
func endTrailers(header http.Header, trailers []line) {
	for _, value := range header["Trailer"] { // what was announced is not taken from the head's fields
		for name := range strings.SplitSeq(value, ",") {
			delete(header, http.CanonicalHeaderKey(strings.Trim(name, " \t")))
		}
	}
	for _, l := range trailers {
		key := http.TrailerPrefix + l.name
		header[key] = append(header[key], l.value)
	}
}
