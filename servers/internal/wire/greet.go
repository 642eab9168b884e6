package wire

import "context"

// Greet says hello for a client and reads the answer: nothing may be sent before, nor be received by another. h.Protocol is set.
// When ctx is done first, the connection is closed, and the error is context.Cause(ctx). Other errors are *VersionError, the *Error
// that the broker answers, and those of Send and Receive.
func (c *Conn) Greet(ctx context.Context, h Hello) (Welcome, error) {
	leave := context.AfterFunc(ctx, func() { _ = c.Close() })
	w, err := c.greet(h)
	if !leave() {
		return Welcome{}, context.Cause(ctx)
	}
	return w, err
}

func (c *Conn) greet(h Hello) (w Welcome, err error) {
	h.Protocol = Version
	hello, err := Message(KindHello, 1, h)
	if err != nil {
		return w, err
	}
	if err := c.Send(hello); err != nil {
		return w, err
	}
	f, err := c.Receive()
	switch {
	case err != nil:
		return w, err
	case f.Kind == KindReply:
		err := f.Reply(nil)
		if e, ok := err.(*Error); ok && e.Code == CodeProtocol {
			return w, &VersionError{Ours: Version, Message: e.Message}
		}
		if err == nil {
			err = malformed("a Reply without an error to Hello")
		}
		return w, err
	case f.Kind != KindWelcome:
		f.Close()
		return w, malformed("it answers Hello with a %v", f.Kind)
	}
	if err := f.Decode(&w); err != nil {
		return w, err
	}
	if w.Protocol != Version {
		return w, &VersionError{Ours: Version, Theirs: w.Protocol}
	}
	return w, nil
}
