package broker

import (
	"bytes"
	"fmt"
)

// hello is what a client of TLS says openly, before anything is secret. The zero hello names nothing.
type hello struct {
	ServerName string   // SNI, as the client has written it; "" when it names no host
	Protocols  []string // ALPN, the client's order; nil when it says nothing
}

// maxHello is how much of a connection is looked at for a ClientHello, records and all. Those of clients are under 3 KiB, with
// keys against quantum computers, too. crypto/tls takes 64 KiB.
const maxHello = 16 << 10

// parseHello reads a ClientHello from the first bytes of a connection, and keeps none of them. want, when it is not 0, is
// how many bytes there must be before it makes sense to ask again: never more than maxHello. An error is a *helloError, and
// final.
//
// It is as strict as crypto/tls in what it reads, so that no client has a name here that it does not have there; what it
// does not need it leaves to the one who ends TLS. (RFC 8446, 4.1.2 and 5.1; RFC 6066, 3; RFC 7301, 3.1)
func parseHello(b []byte) (h hello, want int, err error) {
	message, want, err := joinRecords(b)
	if want != 0 || err != nil {
		return hello{}, want, err
	}
	c := cursor{b: message}
	c.take(2 + 32) // version, random
	c.list(1)      // session
	c.list(2)      // ciphers
	c.list(1)      // compressions
	if len(c.b) > 0 {
		extensions := c.list(2)
		h = readExtensions(&extensions)
		c.join(extensions)
	}
	if c.bad || len(c.b) > 0 {
		return hello{}, 0, &helloError{alertDecode, "the ClientHello cannot be read"}
	}
	return h, 0, nil
}

// The sizes and types of RFC 8446, 4 and 5.1.
const (
	recordHead      = 5
	recordHandshake = 22
	maxRecord       = 16 << 10
	messageHead     = 4
	messageHello    = 1
)

// joinRecords gives the first handshake message without its head. It copies nothing when one record holds it.
func joinRecords(b []byte) (message []byte, want int, err error) {
	for at := 0; ; {
		record := b[at:]
		if len(record) < recordHead {
			if err := firstBytes(record, at == 0); err != nil {
				return nil, 0, err
			}
			return wantBytes(at + recordHead)
		}
		if err := firstBytes(record, at == 0); err != nil {
			return nil, 0, err
		}
		size := int(record[3])<<8 | int(record[4])
		if size == 0 || size > maxRecord {
			return nil, 0, &helloError{alertOverflow, fmt.Sprintf("a record has %d bytes", size)}
		}
		at += recordHead + size
		part := record[recordHead:min(recordHead+size, len(record))]
		if message == nil {
			message = part[:len(part):len(part)]
		} else {
			message = append(message, part...)
		}
		if whole, err := wholeHello(message); whole != nil || err != nil {
			return whole, 0, err
		}
		if at > len(b) {
			return wantBytes(at)
		}
	}
}

// firstBytes looks at what there is of a record's head.
func firstBytes(b []byte, first bool) error {
	switch {
	case len(b) == 0:
		return nil
	case first && b[0]&0x80 != 0:
		return &helloError{alertVersion, "the client speaks SSL 2"}
	case b[0] != recordHandshake:
		if first && (b[0] >= 'A' && b[0] <= 'Z') {
			return &helloError{0, "the client speaks HTTP without TLS"}
		}
		return &helloError{alertUnexpected, "the client does not begin with a handshake"}
	case len(b) > 1 && b[1] >= 0x10:
		return &helloError{alertVersion, "the client does not speak TLS"}
	}
	return nil
}

// wholeHello gives the message's body when all of it is there; nil: there is more to come.
func wholeHello(message []byte) ([]byte, error) {
	if len(message) > 0 && message[0] != messageHello {
		return nil, &helloError{alertUnexpected, "the handshake does not begin with a ClientHello"}
	}
	if len(message) < messageHead {
		return nil, nil
	}
	end := messageHead + (int(message[1])<<16 | int(message[2])<<8 | int(message[3]))
	if end > maxHello {
		return nil, tooLong()
	}
	if len(message) < end {
		return nil, nil
	}
	return message[messageHead:end:end], nil
}

func wantBytes(n int) (message []byte, want int, err error) {
	if n > maxHello {
		return nil, 0, tooLong()
	}
	return nil, n, nil
}

func tooLong() error {
	return &helloError{alertOverflow, fmt.Sprintf("the ClientHello needs more than %d bytes", maxHello)}
}

// The numbers of the two extensions (RFC 6066, 1.1; RFC 7301, 6).
const (
	extensionName      = 0
	extensionProtocols = 16
)

func readExtensions(c *cursor) (h hello) {
	var names, protocols bool // have been seen
	for len(c.b) > 0 && !c.bad {
		kind, data := c.number(2), c.list(2)
		switch {
		case kind == extensionName && !names:
			names = true
			h.ServerName = readName(&data)
		case kind == extensionProtocols && !protocols:
			protocols = true
			h.Protocols = readProtocols(&data)
		case kind == extensionName, kind == extensionProtocols:
			c.bad = true // a second one
		default:
			continue // not read, so that data is nothing to judge
		}
		c.join(data)
	}
	return h
}

// readName gives the host name. Names of other types are nothing to us.
func readName(data *cursor) (name string) {
	list := data.list(2)
	data.bad = data.bad || len(list.b) == 0
	for len(list.b) > 0 && !list.bad {
		kind, text := list.number(1), list.list(2)
		list.bad = list.bad || len(text.b) == 0 || kind == 0 && (name != "" || bytes.HasSuffix(text.b, []byte(".")))
		if kind == 0 {
			name = string(text.b)
		}
	}
	data.join(list)
	return name
}

func readProtocols(data *cursor) (all []string) {
	list := data.list(2)
	data.bad = data.bad || len(list.b) == 0
	for len(list.b) > 0 && !list.bad {
		one := list.list(1)
		list.bad = list.bad || len(one.b) == 0
		all = append(all, string(one.b))
	}
	data.join(list)
	return all
}

// cursor reads numbers and lists from the front of b. When there is too little it is bad, and stays so, and gives zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.b, c.bad = nil, true
		return nil
	}
	taken := c.b[:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) number(size int) (n int) {
	for _, b := range c.take(size) {
		n = n<<8 | int(b)
	}
	return n
}

// list takes what stands behind its own length, of so many bytes.
func (c *cursor) list(size int) cursor {
	return cursor{b: c.take(c.number(size))}
}

// join makes c bad when inner is, or was not read to its end.
func (c *cursor) join(inner cursor) { c.bad = c.bad || inner.bad || len(inner.b) > 0 }

// The alerts that are answered with (RFC 8446, 6.2).
const (
	alertUnexpected = 10
	alertOverflow   = 22
	alertDecode     = 50
	alertVersion    = 70
)

// helloError is a connection that does not begin as TLS does.
type helloError struct {
	alert  byte // 0: the client does not understand alerts
	reason string
}

func (e *helloError) Error() string { return e.reason }

// record is what the client is told before its connection is closed: an alert, or the words of net/http's server for one
// that has forgotten the s of https.
func (e *helloError) record() []byte {
	if e.alert == 0 {
		return []byte("HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
			"Client sent an HTTP request to an HTTPS server.\n")
	}
	const alert, fatal = 21, 2
	return []byte{alert, 3, 1, 0, 2, fatal, e.alert}
}
