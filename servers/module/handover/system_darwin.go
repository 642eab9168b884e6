package handover

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func queueLength(*os.File) (n int, known bool) { return 0, false }

func acceptDescriptor(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	conn, _, err := unix.Accept(fd)
	if err != nil {
		return 0, err
	}
	unix.CloseOnExec(conn)
	return conn, unix.SetNonblock(conn, true)
}
