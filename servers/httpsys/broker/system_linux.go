package broker

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptOne takes the next connection, without waiting. The address of the client is not asked for: nobody here reads it.
// EAGAIN is that there is none.
func acceptOne(listener uintptr) (fd int, e syscall.Errno) {
	for {
		r, _, e := syscall.RawSyscall6(syscall.SYS_ACCEPT4, listener, 0, 0, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch e {
		case 0:
			return int(r), 0
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			return -1, e
		}
	}
}

// newSocket makes a socket that nobody inherits.
func newSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

// tuneListener sets what connections inherit from their listener, which is cheaper than to set it for each. What fails is
// only slower. TCP_DEFER_ACCEPT, which would have the head there when a connection is accepted, is not for us: a client that the
// system keeps to itself like that is lost with the listener, and is not even told.
func tuneListener(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1) // as Go's listeners have it
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9)
}

// noSignal keeps a send to a client that has gone from making a signal.
const noSignal = unix.MSG_NOSIGNAL

// tuneAccepted does nothing: all is inherited.
func tuneAccepted(int) {}

// poller tells which of many descriptors have something new to read. Its own descriptor is watched by Go's poller, so that who
// waits costs no thread, and the descriptors themselves are not known to Go, which would have to forget each before it is
// handed over. wait is called by one goroutine, the rest by any.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int
	woken  atomic.Bool
	events [128]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	_ = unix.SetNonblock(fd, true) // for NewFile, which else would not have it watched
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		_ = p.file.Close()
		return nil, err
	}
	return p, nil
}

// add has a descriptor watched until remove. What is there already counts as new.
func (p *poller) add(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff, Fd: int32(fd)})
}

// remove is needed before the descriptor is closed: another process may have the same socket, and then closing it here ends
// nothing.
func (p *poller) remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// wait gives what is new, or waits for it until the time has come (zero: never) or wake is called: then there are none. An error is
// that the poller is closed.
func (p *poller) wait(until time.Time, all []news) ([]news, error) {
	if err := p.file.SetReadDeadline(until); err != nil {
		return nil, err
	}
	if p.woken.Swap(false) { // before the deadline was set, which has undone that
		return nil, nil
	}
	err := p.raw.Read(func(fd uintptr) bool {
		n, err := unix.EpollWait(int(fd), p.events[:], 0)
		for _, e := range p.events[:max(n, 0)] {
			all = append(all, news{int(e.Fd), e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0})
		}
		return n > 0 || err != nil && err != unix.EINTR
	})
	if os.IsTimeout(err) {
		err = nil
	}
	return all, err
}

// wake ends a wait, or the next one, or both.
func (p *poller) wake() {
	p.woken.Store(true)
	_ = p.file.SetReadDeadline(time.Unix(1, 0))
}

func (p *poller) close() { _ = p.file.Close() }
