// Package handover is in-process hosting: the front opens the listening sockets and hands them over to the app by systemd's
// protocol (sd_listen_fds(3)), so that the app accepts its clients itself and no request passes through the front
// (reference: servers.md, 2; there the module and the app are one process).
//
// While no app runs the front only polls the sockets (Sockets.Wait): connections wait in the system's queue and are not lost,
// not by a crash either, unless the app has accepted them. While one runs the front does nothing with the sockets. Where
// the front has to answer itself, because the app does not start, it accepts what waits (Sockets.Backlog), or what comes
// (Sockets.Listeners).
//
// The package answers no request, and neither starts nor ends a process: package backend does that with the Hosting that it
// gets from here. On Windows sockets cannot be handed over, and New fails with errors.ErrUnsupported.
//
// Whether a socket blocks (O_NONBLOCK) is not the descriptor's but the socket's, which front and app share. So the front does
// not rely on it: it waits by poll(2), which does not care, and before it accepts, it sets the mode itself, at a time when no
// app has the sockets. An app gets them blocking, as from systemd, and may change that for itself (the Go runtime
// does). While another app still has them, as during a recycle, nothing is changed.
package handover

import (
	"fmt"
	"net"
)

// Socket is a listening socket of a front: TCP's or a unix one.
type Socket struct {
	net.Listener
	Name string // what LISTEN_FDNAMES calls it: http or https
}

// UnsupportedError says that a socket cannot be handed over. It unwraps to Err, which is errors.ErrUnsupported where the
// system cannot do it at all.
type UnsupportedError struct {
	Addr net.Addr
	Err  error
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the socket %v cannot be handed over to the app: %v", e.Addr, e.Err)
}

func (e *UnsupportedError) Unwrap() error { return e.Err }

// Hint says what to do.
func (*UnsupportedError) Hint() string { return `use "ancmHostingModel": "OutOfProcess"` }

// LostError says that nobody can connect to a socket any more, because an app has shut it down for all who have it.
type LostError struct {
	Addr net.Addr
	Err  error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("the app has shut the socket %v down for its front, too: %v", e.Addr, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// Hint says what to do.
func (*LostError) Hint() string {
	return `an app in-process closes the sockets that it inherits and does not shut them down (shutdown(2)); or use "ancmHostingModel": "OutOfProcess"`
}

// NotAcceptingError says that a program did not begin to serve the sockets that it was given.
type NotAcceptingError struct {
	Waiting int // how many connections are known to wait
}

func (e *NotAcceptingError) Error() string {
	text := "it has neither told that it is ready (READY=1) nor accepted a connection on the sockets that it was given (LISTEN_FDS)"
	if e.Waiting > 0 {
		text += fmt.Sprintf("; waiting: %d", e.Waiting)
	}
	return text
}

// Hint says what to do.
func (*NotAcceptingError) Hint() string {
	return `an app in-process serves the sockets that it inherits, as servers.Run does; for one that opens its own use "ancmHostingModel": "OutOfProcess"`
}
