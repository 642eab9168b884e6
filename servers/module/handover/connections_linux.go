package handover

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// hasConnection reports whether one of the processes has a connected TCP socket with one of these local ports.
func hasConnection(pids []int, ports []int) (found, known bool) {
	inodes := map[string]bool{}
	for _, pid := range pids {
		folder := fmt.Sprintf("/proc/%d/fd", pid)
		entries, _ := os.ReadDir(folder) // none when it has ended
		for _, entry := range entries {
			target, _ := os.Readlink(folder + "/" + entry.Name())
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // a system without IPv6
		}
		known = true
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			port, inode := connected(lines.Text())
			if inodes[inode] && slices.Contains(ports, port) {
				return true, true
			}
		}
	}
	return false, known
}

// connected reads one line of /proc/net/tcp (proc_net_tcp(5)): the local port of a connection, and the inode of its socket, which
// is "" for what is none.
func connected(line string) (port int, inode string) {
	fields := strings.Fields(line)
	if len(fields) < 10 || fields[3] == stateListen {
		return 0, ""
	}
	_, hex, _ := strings.Cut(fields[1], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	if err != nil {
		return 0, ""
	}
	return int(n), fields[9]
}

const stateListen = "0A"
