package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// peer is who connected, or who listened (unix(7), SO_PEERCRED).
func peer(fd int) (Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid)}, nil
}

// tune does nothing: the system's buffers are large enough.
func tune(int) {}

// hangUp is what HangUp shuts down. What was received stays (net/unix/af_unix.c).
const hangUp = syscall.SHUT_RDWR

// receive is recvmsg. rights is how many bytes of control messages there are; lost says that there was no room for them or for
// a descriptor.
func receive(fd int, b, control []byte) (n, rights int, lost bool, err error) {
	for {
		n, rights, flags, _, err := syscall.Recvmsg(fd, b, control, syscall.MSG_CMSG_CLOEXEC)
		if err != syscall.EINTR {
			return n, rights, flags&syscall.MSG_CTRUNC != 0, err
		}
	}
}

func socketPair() ([2]int, error) {
	return syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
}
