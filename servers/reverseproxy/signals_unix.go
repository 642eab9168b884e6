//go:build unix

package reverseproxy

import (
	"os"
	"syscall"
)

// reloadSignal has the program read its configuration again and replace its processes, each when its requests are done.
func reloadSignal(kind Kind) os.Signal {
	if kind == Apache {
		return syscall.SIGUSR1
	}
	return syscall.SIGHUP
}

// stopSignal has the program end when its requests are done.
func stopSignal(kind Kind) os.Signal {
	if kind == Apache {
		return syscall.SIGWINCH
	}
	return syscall.SIGQUIT
}

// endSignal has the program end now.
func endSignal() os.Signal { return syscall.SIGTERM }
