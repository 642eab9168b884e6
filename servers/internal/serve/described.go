package serve

import (
	"crypto/tls"
	"errors"
	"net"
)

// Described is a connection that stands for a client's: somebody else has the client's own, may have ended its TLS, and passes
// on what is sent here. Handlers see the client as if it were connected itself. It is read as its Conn is.
type Described struct {
	net.Conn                           // HTTP/1.x without TLS is spoken on it
	Remote, Local net.Addr             // of the client's connection; nil: those of Conn
	TLS           *tls.ConnectionState // of the client's connection; nil: it has no TLS
	Tag           any                  // its owner's own; nobody here looks at it
}

// RemoteAddr is the client's address.
func (d *Described) RemoteAddr() net.Addr {
	if d.Remote != nil {
		return d.Remote
	}
	return d.Conn.RemoteAddr()
}

// LocalAddr is where the client has connected to.
func (d *Described) LocalAddr() net.Addr {
	if d.Local != nil {
		return d.Local
	}
	return d.Conn.LocalAddr()
}

// as gives d's description to what middleware has made of it.
func (d *Described) as(c net.Conn) *Described {
	return &Described{Conn: c, Remote: c.RemoteAddr(), Local: c.LocalAddr(), TLS: d.TLS, Tag: d.Tag}
}

// NetConn gives the connection below, as tls.Conn.NetConn does.
func (d *Described) NetConn() net.Conn { return d.Conn }

// CloseWrite sends the end of the stream. A connection that cannot end in one direction alone returns errors.ErrUnsupported.
func (d *Described) CloseWrite() error { return closeWrite(d.Conn) }

func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// socketOf gives the system's own connection on which HTTP is spoken, or nil for TLS and whatever else changes what goes over
// the wire.
func socketOf(c net.Conn) net.Conn {
	if d, ok := c.(*Described); ok {
		c = d.Conn
	}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return c
	}
	return nil
}

// tlsOf gives what requests know of TLS, or nil.
func tlsOf(c net.Conn) *tls.ConnectionState {
	switch c := c.(type) {
	case *tls.Conn:
		state := c.ConnectionState()
		return &state
	case *Described:
		return c.TLS
	}
	return nil
}
