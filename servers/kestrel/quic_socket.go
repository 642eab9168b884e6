package kestrel

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/quic-go/quic-go"
)

// quicSocket is a UDP socket as quic-go gets it. It differs in one thing: quic-go looks how large the system has made the
// buffers that it asks for, and when they are smaller prints a line to the standard logger, which is the app's and may be
// its stderr. There is no option against it, only a variable in the environment. So quic-go sees the descriptor, which it
// needs to look, only after both buffers have been set.
type quicSocket struct {
	udpConn
	sized atomic.Bool
}

// udpConn is what quic-go looks for in a *net.UDPConn.
type udpConn interface {
	net.Conn
	quic.OOBCapablePacketConn
	SetWriteBuffer(bytes int) error
}

// errNotSized keeps quic-go from looking at sizes.
var errNotSized = errors.New("the buffers of this socket are not set yet")

func newQUICSocket(c net.PacketConn) net.PacketConn {
	if udp, ok := c.(udpConn); ok {
		return &quicSocket{udpConn: udp}
	}
	return quicPackets{c} // a test's, or somebody's own transport: without the system's help for speed
}

// SyscallConn gives the descriptor once the buffers are set.
func (s *quicSocket) SyscallConn() (syscall.RawConn, error) {
	if !s.sized.Load() {
		return nil, errNotSized
	}
	return s.udpConn.SyscallConn()
}

// SetReadBuffer takes what the system gives: a smaller buffer costs speed, and is no reason not to serve.
func (s *quicSocket) SetReadBuffer(n int) error {
	s.udpConn.SetReadBuffer(n)
	return nil
}

// SetWriteBuffer is the last that quic-go does about buffers.
func (s *quicSocket) SetWriteBuffer(n int) error {
	s.udpConn.SetWriteBuffer(n)
	s.sized.Store(true)
	return nil
}

// quicPackets is for what is not a UDP socket: it has no buffers, which quic-go would print, too.
type quicPackets struct{ net.PacketConn }

func (quicPackets) SetReadBuffer(int) error  { return nil }
func (quicPackets) SetWriteBuffer(int) error { return nil }
