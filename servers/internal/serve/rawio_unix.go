//go:build unix && (race || !(linux && (amd64 || arm64)))

package serve

import "syscall"

// What rawio_linux.go does, by the calls of package syscall: elsewhere, and for the race detector, which takes what is sent
// and received by those for a reason why one thing happens before another.

// Recv reads what is there from a socket that does not block, within the callback of a syscall.RawConn. n is 0 at the end of
// the stream and with an error, which is EAGAIN when nothing is there.
func Recv(fd uintptr, b []byte) (n int, e syscall.Errno) {
	return again(func() (int, error) { return syscall.Read(int(fd), b) })
}

// Peek is Recv that leaves the bytes where they are.
func Peek(fd uintptr, b []byte) (n int, e syscall.Errno) {
	return again(func() (int, error) {
		n, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_PEEK)
		return n, err
	})
}

// Send writes as much as can be taken at once.
func Send(fd uintptr, b []byte) (n int, e syscall.Errno) {
	return again(func() (int, error) { return syscall.Write(int(fd), b) })
}

func again(call func() (int, error)) (int, syscall.Errno) {
	for {
		n, err := call()
		switch e, _ := err.(syscall.Errno); {
		case err == nil:
			return n, 0
		case e == 0:
			return 0, syscall.EIO
		case e != syscall.EINTR:
			return 0, e
		}
	}
}

// drainer reads a socket.
type drainer struct{}

func (*drainer) begin(uintptr) {}

// recv is Recv. There may always be more.
func (*drainer) recv(fd uintptr, b []byte) (n int, more bool, e syscall.Errno) {
	n, e = Recv(fd, b)
	return n, true, e
}
