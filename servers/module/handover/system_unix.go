//go:build linux || darwin

package handover

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate gives a descriptor of its own for a listening socket.
func duplicate(l net.Listener) (*os.File, error) {
	conn, ok := l.(syscall.Conn)
	if !ok {
		return nil, errors.New("it has no descriptor")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if controlErr := raw.Control(func(its uintptr) { fd, err = unix.FcntlInt(its, unix.F_DUPFD_CLOEXEC, 3) }); controlErr != nil {
		return nil, controlErr
	}
	if err != nil {
		return nil, err
	}
	_ = unix.SetNonblock(fd, false) // else os.NewFile would have the runtime poll it
	return os.NewFile(uintptr(fd), "socket"), nil
}

func setNonblock(file *os.File, nonblocking bool) { _ = unix.SetNonblock(int(file.Fd()), nonblocking) }

// listenAgain has a socket listen that does no more. It cannot help one that does, as far as the system knows.
func listenAgain(file *os.File) (again bool, err error) {
	fd := int(file.Fd())
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listens != 0 { // macOS does not tell, and does not shut listeners down
		return false, err
	}
	if err := bindAgain(fd); err != nil {
		return false, err
	}
	err = unix.Listen(fd, math.MaxUint16) // the system takes the most of it that is allowed
	return err == nil, err
}

// bindAgain gives a socket its port back: one that the system has chosen for it is lost when it is shut down. The system
// still tells the address then, and says EINVAL of a socket that has kept its port.
func bindAgain(fd int) error {
	bound, err := unix.Getsockname(fd)
	if err == nil {
		err = unix.Bind(fd, bound)
	}
	if err == unix.EINVAL {
		return nil
	}
	return err
}

// hungUp is what poll tells of a socket on which nobody will ever wait.
const hungUp = unix.POLLHUP | unix.POLLERR | unix.POLLNVAL

func isDead(file *os.File) bool {
	list := []unix.PollFd{{Fd: int32(file.Fd())}}
	_, err := unix.Poll(list, 0)
	return err == nil && list[0].Revents&hungUp != 0
}

// poll waits until a connection waits on one of the files, or one is dead, or ctx is done. dead are indices.
func poll(ctx context.Context, files []*os.File) (ready bool, dead []int, err error) {
	woken, wake, err := os.Pipe()
	if err != nil {
		return false, nil, err
	}
	defer woken.Close()
	var waker sync.WaitGroup
	waker.Add(1)
	unwatch := context.AfterFunc(ctx, func() {
		defer waker.Done()
		wake.Close()
	})
	defer func() {
		if unwatch() {
			wake.Close()
		} else {
			waker.Wait()
		}
	}()
	return pollFiles(append([]*os.File{woken}, files...))
}

// pollFiles is poll for all files but the first, which says only that nobody wants to wait any more.
func pollFiles(files []*os.File) (ready bool, dead []int, err error) {
	list := make([]unix.PollFd, len(files))
	for i, file := range files {
		list[i] = unix.PollFd{Fd: int32(file.Fd()), Events: unix.POLLIN}
	}
	for err = unix.EINTR; err == unix.EINTR; {
		_, err = unix.Poll(list, -1)
	}
	for i, l := range list[1:] {
		switch {
		case l.Revents&hungUp != 0:
			dead = append(dead, i)
		case l.Revents&unix.POLLIN != 0:
			ready = true
		}
	}
	return ready, dead, err
}

// queue is how many connections wait, or 1 for some where the system does not tell.
func queue(file *os.File) int {
	if n, known := queueLength(file); known {
		return n
	}
	list := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(list, 0); err != nil || n == 0 {
		return 0
	}
	return 1
}

// accept takes one connection from a socket that does not block.
func accept(file *os.File) (net.Conn, error) {
	fd, err := acceptDescriptor(int(file.Fd()))
	if err != nil {
		return nil, err
	}
	connected := os.NewFile(uintptr(fd), "connection")
	defer connected.Close() // net.FileConn has a copy
	return net.FileConn(connected)
}

// isAborted reports whether the next attempt to accept may give a connection.
func isAborted(err error) bool {
	return errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNABORTED)
}
