//go:build linux && (amd64 || arm64) && !race

package serve

import (
	"syscall"
	"unsafe"
)

// The calls here are made for each request that is passed on, and differ from package syscall's in three ways:
//   - RawSyscall: the scheduler is not told. That is right only for calls that never wait, so all say MSG_DONTWAIT.
//   - recvfrom and sendto, not read and write: they skip what the system does for files alone.
//   - TCP_INQ: a read tells whether there is more, so that a second read for EAGAIN is spared. A short read alone would not
//     do: bytes and the end of the stream may have come together, as one event for the poller, which does not tell again
//     of the end. TCP_INQ counts an end as a byte; what comes after the read is a new event.

// Recv reads what is there from a socket that does not block, within the callback of a syscall.RawConn. n is 0 at the end of
// the stream and with an error, which is EAGAIN when nothing is there.
func Recv(fd uintptr, b []byte) (n int, e syscall.Errno) { return recv(fd, b, syscall.MSG_DONTWAIT) }

// Peek is Recv that leaves the bytes where they are.
func Peek(fd uintptr, b []byte) (n int, e syscall.Errno) {
	return recv(fd, b, syscall.MSG_DONTWAIT|syscall.MSG_PEEK)
}

// Send writes as much as can be taken at once. A peer that has gone makes no signal.
func Send(fd uintptr, b []byte) (n int, e syscall.Errno) {
	for {
		r, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		if e != syscall.EINTR {
			return count(r, e)
		}
	}
}

func recv(fd uintptr, b []byte, flags uintptr) (int, syscall.Errno) {
	for {
		r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		if e != syscall.EINTR {
			return count(r, e)
		}
	}
}

func count(r uintptr, e syscall.Errno) (int, syscall.Errno) {
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

// tcpINQ is TCP_INQ and TCP_CM_INQ (linux/tcp.h).
const tcpINQ = 36

// drainer reads a socket and tells whether it has got all there is. One goroutine uses it at a time.
type drainer struct {
	tells   bool // the system knows TCP_INQ for this socket
	message syscall.Msghdr
	bytes   syscall.Iovec
	control struct {
		header syscall.Cmsghdr
		left   int32
		_      int32
	}
}

// begin is called once, with the socket.
func (d *drainer) begin(fd uintptr) {
	d.tells = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpINQ, 1) == nil
}

// recv is Recv; more is false when nothing was left, neither bytes nor the end of the stream. The drainer lies on the heap, as
// b does, so that the addresses in it stay true.
func (d *drainer) recv(fd uintptr, b []byte) (n int, more bool, e syscall.Errno) {
	if !d.tells {
		n, e = Recv(fd, b)
		return n, true, e
	}
	d.bytes.Base, d.bytes.Len = unsafe.SliceData(b), uint64(len(b))
	d.message.Iov, d.message.Iovlen = &d.bytes, 1
	d.message.Control, d.message.Controllen = (*byte)(unsafe.Pointer(&d.control)), uint64(unsafe.Sizeof(d.control))
	d.control.left = 1
	for {
		r, _, e := syscall.RawSyscall(syscall.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&d.message)), syscall.MSG_DONTWAIT)
		if e != syscall.EINTR {
			d.bytes.Base = nil
			n, e := count(r, e)
			return n, d.control.left != 0, e
		}
	}
}
