package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// peer is who is at the other end (unix(4), LOCAL_PEERCRED and LOCAL_PEERPID).
func peer(fd int) (Peer, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	pid, _ := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID) // 0 when it has gone
	return Peer{PID: pid, UID: int(cred.Uid)}, nil
}

// tune makes room for what Linux has room for: 8 KiB are usual here.
func tune(fd int) {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 256<<10)
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 256<<10)
}

// hangUp is what HangUp shuts down.
const hangUp = syscall.SHUT_WR

// receive is recvmsg. rights is how many bytes of control messages there are; lost says that there was no room for them or for
// a descriptor. There is no flag to have descriptors closed on exec, so the lock of package syscall keeps a fork away.
func receive(fd int, b, control []byte) (n, rights int, lost bool, err error) {
	for {
		syscall.ForkLock.RLock()
		n, rights, flags, _, err := syscall.Recvmsg(fd, b, control, 0)
		if err == nil && rights > 0 {
			closeOnExec(control[:rights])
		}
		syscall.ForkLock.RUnlock()
		if err != syscall.EINTR {
			return n, rights, flags&syscall.MSG_CTRUNC != 0, err
		}
	}
}

func closeOnExec(control []byte) {
	for _, fd := range appendRights(nil, control) {
		syscall.CloseOnExec(fd)
	}
}

func socketPair() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return fds, err
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
		_ = syscall.SetNonblock(fd, true)
	}
	return fds, nil
}
