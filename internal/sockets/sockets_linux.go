package sockets

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Owned returns the listening sockets, TCP and Unix, that the processes hold, each once, under the first process that
// has it. Processes that are gone, or whose descriptors may not be read, hold none. The order is that of the system.
//
// It reads the descriptors of these processes and the table of their network, and is meant to be polled. On macOS it
// is errors.ErrUnsupported: whoever wants to know must dial there.
func Owned(pids []int) ([]Listener, error) {
	var listeners []Listener
	var r reader
	var tables []string // those that have been read, by their network namespace
	holders := holders{}
	own, _ := os.Readlink("/proc/self/ns/net")
	for _, pid := range pids {
		r.holds(pid, holders)
	}
	for _, pid := range pids {
		if len(holders) == 0 {
			break
		}
		network, err := os.Readlink(procPath(pid, "ns/net"))
		if err != nil || slices.Contains(tables, network) {
			continue
		}
		tables = append(tables, network)
		folder := procPath(pid, "net")
		if network == own {
			folder = ownNetwork
		}
		err = r.listening(folder, func(inode uint64, l Listener) {
			if pid, ok := holders[inode]; ok {
				l.PID, l.Program = pid, programName(pid)
				listeners = append(listeners, l)
				delete(holders, inode)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return listeners, nil
}

// Holder returns a listener that keeps others from listening on addr: one with the same port and the same address,
// or with a wildcard on either side; [::] takes IPv4 too, unless it was made not to. There is none for port 0.
//
// Its PID is 0 when the process belongs to somebody else. On Windows and Linux that is read from the table; on macOS
// it is tried out by binding to addr, and the Listener has that address and nothing else.
func Holder(addr netip.AddrPort) (Listener, bool, error) {
	if addr.Port() == 0 {
		return Listener{}, false, nil
	}
	var r reader
	var listeners []Listener
	inodes := map[netip.AddrPort]uint64{}
	err := r.tcp(ownNetwork, func(inode uint64, l Listener) {
		if l.AddrPort.Port() == addr.Port() {
			listeners = append(listeners, l)
			inodes[l.AddrPort] = inode
		}
	})
	if err != nil {
		return Listener{}, false, err
	}
	l, found := pick(addr, listeners)
	if found {
		l.PID = r.holder(inodes[l.AddrPort])
		l.Program = programName(l.PID)
	}
	return l, found, nil
}

// holders maps the inode of a socket to a process that has it open.
type holders map[uint64]int

// holds adds the sockets of a process.
func (r *reader) holds(pid int, holders holders) {
	r.sockets(pid, func(inode uint64) bool {
		if _, known := holders[inode]; !known {
			holders[inode] = pid
		}
		return true
	})
}

// holder looks through all processes for one that has the socket open: the oldest, as far as pids tell, which is the
// one that started the others. 0 when there is none that we may look into.
func (r *reader) holder(inode uint64) int {
	folder, err := os.Open("/proc")
	if err != nil {
		return 0
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	for _, pid := range pids {
		found := false
		r.sockets(pid, func(other uint64) bool {
			found = other == inode
			return !found
		})
		if found {
			return pid
		}
	}
	return 0
}

// sockets yields the inodes of the sockets that a process has open, until yield returns false.
func (r *reader) sockets(pid int, yield func(inode uint64) bool) {
	folder, err := os.Open(procPath(pid, "fd"))
	if err != nil {
		return
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		n, err := unix.Readlinkat(int(folder.Fd()), name, r.room())
		if err != nil {
			continue
		}
		text, ok := strings.CutPrefix(string(r.buf[:n]), "socket:[")
		if !ok {
			continue
		}
		inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
		if err == nil && !yield(inode) {
			return
		}
	}
}

// programName is the kernel's name of a process. It has at most 15 characters; where it was cut, the executable's
// name completes it.
func programName(pid int) string {
	if pid == 0 {
		return ""
	}
	text, err := os.ReadFile(procPath(pid, "comm"))
	if err != nil {
		return ""
	}
	name := strings.TrimSuffix(string(text), "\n")
	if len(name) < 15 {
		return name
	}
	if target, err := os.Readlink(procPath(pid, "exe")); err == nil {
		if base := filepath.Base(strings.TrimSuffix(target, " (deleted)")); strings.HasPrefix(base, name) {
			return base
		}
	}
	return name
}

func procPath(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// taken reports whether addr cannot be bound, because somebody listens there. It does not listen itself.
func taken(addr netip.AddrPort) bool { return bind(addr) == syscall.EADDRINUSE }
