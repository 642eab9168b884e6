package broker

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptOne takes the next connection, without waiting. EAGAIN is that there is none.
func acceptOne(listener uintptr) (fd int, e syscall.Errno) {
	for {
		syscall.ForkLock.RLock() // or a program that is started at this moment inherits it
		fd, _, err := syscall.Accept(int(listener))
		if err == nil {
			syscall.CloseOnExec(fd)
		}
		syscall.ForkLock.RUnlock()
		switch err {
		case nil:
			_ = syscall.SetNonblock(fd, true)
			return fd, 0
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			e, ok := err.(syscall.Errno)
			if !ok {
				e = syscall.EINVAL
			}
			return -1, e
		}
	}
}

// newSocket makes a socket that nobody inherits.
func newSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	syscall.CloseOnExec(fd)
	return fd, syscall.SetNonblock(fd, true)
}

// tuneListener does nothing: what connections inherit here differs between versions of the system.
func tuneListener(int) {}

// noSignal is nothing: tuneAccepted says that to the socket.
const noSignal = 0

// tuneAccepted sets what Go sets for a connection that it accepts. What fails is only slower.
func tuneAccepted(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1)
}

// wakeIdent is the event of wake. It is no descriptor.
const wakeIdent = 1

// poller tells which of many descriptors have something new to read. The descriptors are not known to Go, which would have to
// forget each before it is handed over. wait is called by one goroutine, the rest by any.
type poller struct {
	fd     int
	events [128]unix.Kevent_t
}

func newPoller() (*poller, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(fd)
	p := &poller{fd: fd}
	if err := p.change(wakeIdent, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR, 0); err != nil {
		p.close()
		return nil, os.NewSyscallError("kevent", err)
	}
	return p, nil
}

func (p *poller) change(ident, filter, flags int, notes uint32) error {
	var k unix.Kevent_t
	unix.SetKevent(&k, ident, filter, flags)
	k.Fflags = notes
	_, err := unix.Kevent(p.fd, []unix.Kevent_t{k}, nil, nil)
	return err
}

// add has a descriptor watched until remove. What is there already counts as new.
func (p *poller) add(fd int) error {
	return p.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR, 0)
}

// remove is needed before the descriptor is handed over.
func (p *poller) remove(fd int) { _ = p.change(fd, unix.EVFILT_READ, unix.EV_DELETE, 0) }

// wait gives what is new, or waits for it until the time has come (zero: never) or wake is called: then there are none. An error is
// that the poller is closed.
func (p *poller) wait(until time.Time, all []news) ([]news, error) {
	var limit *unix.Timespec
	if !until.IsZero() {
		t := unix.NsecToTimespec(max(int64(time.Until(until)), 0))
		limit = &t
	}
	n, err := unix.Kevent(p.fd, nil, p.events[:], limit)
	if err == unix.EINTR {
		err = nil
	}
	for _, e := range p.events[:max(n, 0)] {
		if e.Filter == unix.EVFILT_READ {
			all = append(all, news{int(e.Ident), e.Flags&(unix.EV_EOF|unix.EV_ERROR) != 0})
		}
	}
	return all, err
}

// wake ends a wait, or the next one.
func (p *poller) wake() { _ = p.change(wakeIdent, unix.EVFILT_USER, 0, unix.NOTE_TRIGGER) }

func (p *poller) close() { _ = unix.Close(p.fd) }
