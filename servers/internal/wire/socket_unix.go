//go:build darwin || linux

package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// appendRights appends the descriptors of control messages.
func appendRights(list []int, control []byte) []int {
	for len(control) >= syscall.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		control = rest
		if header.Level != syscall.SOL_SOCKET || header.Type != syscall.SCM_RIGHTS {
			continue
		}
		for ; len(data) >= 4; data = data[4:] {
			list = append(list, int(binary.NativeEndian.Uint32(data)))
		}
	}
	return list
}

// aboveStandard moves a descriptor that is below 3: a program whose standard input is closed would take it for that, and 0 is none in
// a Frame. One that cannot be moved is closed and given as 0.
func aboveStandard(fd int) int {
	if fd > 2 {
		return fd
	}
	moved, err := unix.FcntlInt(uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	_ = syscall.Close(fd)
	if err != nil {
		return 0
	}
	return moved
}

// isScarce says that the process, or the system, has no room for one more descriptor.
func isScarce(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// hasRoom asks whether a socket takes more, or is of no use any more.
func hasRoom(fd int) bool {
	list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(list, 0)
		if err == nil || !errors.Is(err, syscall.EINTR) {
			return n != 0 || err != nil
		}
	}
}

// closedOr gives net.ErrClosed for what the standard library says instead of it, and io.EOF for a connection that was reset: a
// peer that has gone.
func closedOr(err error) error {
	switch {
	case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed):
		return net.ErrClosed
	case errors.Is(err, syscall.ECONNRESET):
		return io.EOF
	}
	return err
}
