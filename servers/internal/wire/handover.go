package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// Handover is the payload of KindConn, for the socket that comes with it. It is binary: a byte of flags, then the Meta with its
// length when there is one, then Read. The zero value, which most connections have, is no bytes at all.
type Handover struct {
	Encrypted bool   // TLS begins, and the worker terminates it
	Meta      *Meta  // nil: it is the client's own socket
	Read      []byte // what was read from it already
}

// Handback is the payload of KindBack, for the socket that comes with it: Handover's, with the name of the queue behind the Meta.
type Handback struct {
	Meta  *Meta
	Queue string // "": whose the request is, says the broker's table; otherwise it goes to that queue
	Read  []byte // what was read and not used: a whole head first
}

// flags of Handover and Handback.
const (
	encrypted = 1 << iota
	described
	flags // the first bit that means nothing
)

// Append appends the message to b.
func (h Handover) Append(b []byte) ([]byte, error) {
	if !h.Encrypted && h.Meta == nil && len(h.Read) == 0 {
		return b, nil
	}
	var f byte
	if h.Encrypted {
		f |= encrypted
	}
	b, err := appendMeta(b, f, h.Meta)
	return append(b, h.Read...), err
}

// ParseHandover reads one; Read is a part of b. The error is a *ProtocolError.
func ParseHandover(b []byte) (Handover, error) {
	if len(b) == 0 {
		return Handover{}, nil
	}
	f, meta, rest, err := cutMeta(b)
	return Handover{Encrypted: f&encrypted != 0, Meta: meta, Read: rest}, err
}

// Append appends the message to b.
func (h Handback) Append(b []byte) ([]byte, error) {
	b, err := appendMeta(b, 0, h.Meta)
	b = binary.AppendUvarint(b, uint64(len(h.Queue)))
	b = append(b, h.Queue...)
	return append(b, h.Read...), err
}

// ParseHandback reads one; Read is a part of b. The error is a *ProtocolError.
func ParseHandback(b []byte) (Handback, error) {
	f, meta, rest, err := cutMeta(b)
	if err == nil && f&encrypted != 0 {
		err = malformed("TLS cannot be handed back")
	}
	if err != nil {
		return Handback{}, err
	}
	queue, rest, err := cut(rest)
	if err != nil {
		return Handback{}, err
	}
	return Handback{Meta: meta, Queue: string(queue), Read: rest}, nil
}

func appendMeta(b []byte, f byte, m *Meta) ([]byte, error) {
	if m == nil {
		return append(b, f), nil
	}
	text, err := json.Marshal(m)
	b = append(b, f|described)
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...), err
}

func cutMeta(b []byte) (f byte, m *Meta, rest []byte, err error) {
	if len(b) == 0 || b[0] >= flags {
		return 0, nil, nil, malformed("a connection comes without its flags")
	}
	f, rest = b[0], b[1:]
	if f&described == 0 {
		return f, nil, rest, nil
	}
	text, rest, err := cut(rest)
	if err != nil {
		return 0, nil, nil, err
	}
	m = new(Meta)
	if err := json.Unmarshal(text, m); err != nil {
		return 0, nil, nil, malformed("the description of a connection: %v", err)
	}
	return f, m, rest, nil
}

// cut takes what has its length before it off b.
func cut(b []byte) (text, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, malformed("the description of a connection is cut short")
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}

// TakenFrame says that the worker has taken the next n connections.
func TakenFrame(n uint32) Frame {
	return Frame{Kind: KindTaken, Payload: binary.BigEndian.AppendUint32(nil, n)}
}

// LostFrame says that the worker has not received the next connection that it was sent: its descriptor came when there was no room for
// one (Frame.Lost). In its turn between Taken frames it has the broker go on with that connection, of which it still has its own
// descriptor. It is a Back with neither a descriptor nor a payload.
func LostFrame() Frame { return Frame{Kind: KindBack} }

// IsLost reports whether f is a LostFrame.
func (f Frame) IsLost() bool {
	return f.Kind == KindBack && f.FD == 0 && !f.Lost && len(f.Payload) == 0
}

// ParseTaken reads the payload of KindTaken. The error is a *ProtocolError.
func ParseTaken(b []byte) (uint32, error) {
	if len(b) != 4 {
		return 0, malformed("a Taken of %d bytes", len(b))
	}
	return binary.BigEndian.Uint32(b), nil
}

// asError gives what a Reply says of an error.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Code: CodeProtocol, Message: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		e.Advice = h.Hint()
	}
	return e
}
