//go:build unix

package servers

import (
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
		return nil, fmt.Errorf("%sLISTEN_FDS is %q, which is not a number of sockets", prefix, count)
	}
	var list []net.Listener
	for i := range n {
		l, err := inheritedSocket(firstSocket + i)
		if err != nil {
			closeListeners(list)
			return nil, fmt.Errorf("socket %d of %sLISTEN_FDS: %w", firstSocket+i, prefix, err)
		}
		name := ""
		if i < len(names) {
			name = names[i]
		}
		list = append(list, named{l, name})
	}
	return list, nil
}

func inheritedSocket(fd int) (net.Listener, error) {
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
