//go:build unix

package httpsys

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// socketPair gives both ends of a stream, one as a connection and one as a descriptor.
func socketPair() (net.Conn, int, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, 0, os.NewSyscallError("socketpair", err)
	}
	ours, err := wire.NetConn(fds[0])
	if err != nil {
		return nil, 0, errors.Join(err, syscall.Close(fds[1]))
	}
	return ours, fds[1], nil
}
