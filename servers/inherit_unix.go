//go:build unix

package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstSocket is the first of the descriptors that are handed over (sd_listen_fds(3)).
const firstSocket = 3

// inheritedSockets gives the listening sockets that were handed to this process by systemd's protocol: LISTEN_FDS, where
// LISTEN_PID is this process, and LISTEN_FDNAMES. Who starts the process and cannot know its id sets GORUN_LISTEN_FDS
// and GORUN_LISTEN_FDNAMES. The variables are removed, so that no child takes the sockets for its own.
func inheritedSockets() ([]net.Listener, error) {
	prefix := "GORUN_"
	if os.Getenv("GORUN_LISTEN_FDS") == "" {
		prefix = ""
		if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
			return nil, nil
		}
	}
	count, names := os.Getenv(prefix+"LISTEN_FDS"), strings.Split(os.Getenv(prefix+"LISTEN_FDNAMES"), ":")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(prefix + name)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, &unsupported{fmt.Sprintf("%sLISTEN_FDS is %q, which is not a number of sockets", prefix, count), noHandOver(prefix)}
	}
	var list []net.Listener
	for i := range n {
		l, err := inheritedSocket(firstSocket + i)
		if err != nil {
			return nil, errors.Join(&unsupported{
				fmt.Sprintf("%sLISTEN_FDS is %d, but file descriptor %d is no listening socket: %v", prefix, n, firstSocket+i, err), noHandOver(prefix),
			}, closeListeners(list))
		}
		name := ""
		if i < len(names) {
			name = names[i]
		}
		list = append(list, named{l, name})
	}
	return list, nil
}

func noHandOver(prefix string) string {
	return "who starts the program hands over so many listening sockets, from file descriptor 3 on; without them leave " + prefix + "LISTEN_FDS unset"
}

// inheritedSocket takes over one descriptor. What is no listening socket is left alone: where the number is wrong it may be a
// file of the program's own, or of the Go runtime's.
func inheritedSocket(fd int) (net.Listener, error) {
	if _, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return nil, err
	}
	// macOS does not tell; there the first Accept will.
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens == 0 {
		return nil, errors.New("it is a socket on which nobody listens")
	}
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "inherited")
	defer file.Close() // net.FileListener has a copy
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // who has made the file removes it
	}
	return l, nil
}
