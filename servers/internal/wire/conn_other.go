//go:build !darwin && !linux

package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Conn is one end of a connection, which there is none of on this system.
type Conn struct{}

// Listener is the broker's socket, which there is none of on this system.
type Listener struct{ Refused func(error) }

// Peer is the process at the other end.
type Peer struct{ PID, UID int }

// Folder fails with errors.ErrUnsupported.
func Folder(func(string) string) (string, error) { return "", unsupported() }

// Dial fails with errors.ErrUnsupported.
func Dial(context.Context, string) (*Conn, error) { return nil, unsupported() }

// Listen fails with errors.ErrUnsupported.
func Listen(string) (*Listener, error) { return nil, unsupported() }

// Pair fails with errors.ErrUnsupported.
func Pair() (a, b *Conn, err error) { return nil, nil, unsupported() }

// NetConn fails with errors.ErrUnsupported.
func NetConn(int) (net.Conn, error) { return nil, unsupported() }

// Accept fails with errors.ErrUnsupported.
func (*Listener) Accept() (*Conn, error) { return nil, unsupported() }

// Close does nothing.
func (*Listener) Close() error { return nil }

// Peer gives nobody.
func (*Conn) Peer() Peer { return Peer{} }

// Send fails with errors.ErrUnsupported.
func (*Conn) Send(Frame) error { return unsupported() }

// TrySend fails with errors.ErrUnsupported.
func (*Conn) TrySend(Frame) (bool, error) { return false, unsupported() }

// Room gives nil.
func (*Conn) Room() <-chan struct{} { return nil }

// Receive fails with errors.ErrUnsupported.
func (*Conn) Receive() (Frame, error) { return Frame{}, unsupported() }

// SetWriteTimeout does nothing.
func (*Conn) SetWriteTimeout(time.Duration) {}

// HangUp does nothing.
func (*Conn) HangUp() {}

// Close does nothing.
func (*Conn) Close() error { return nil }

// Close does nothing.
func (Frame) Close() {}

func unsupported() error {
	return fmt.Errorf("the broker of HTTP.sys runs on Linux and macOS: %w", errors.ErrUnsupported)
}
