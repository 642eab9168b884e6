package servers

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holderOfPort finds who listens on a port, in the system's tables of sockets (proc_net(5)). It reads them once, and only
// after an address could not be had.
func holderOfPort(network string, addr netip.AddrPort) holder {
	connected := false
	for _, table := range []string{network, network + "6"} {
		for fields := range rowsOf("/proc/net/" + table) {
			if len(fields) < 10 {
				continue
			}
			bound, ok := parseProcAddr(fields[1])
			if !ok || bound.Port() != addr.Port() || !overlap(bound.Addr(), addr.Addr()) {
				continue
			}
			const listens = "0A" // TCP_LISTEN
			if network != "tcp" || fields[3] == listens {
				return holderOfSocket(fields[9], fields[7])
			}
			connected = true
		}
	}
	return holder{elsewhere: connected}
}

// holderOfPath finds who listens on a unix socket. A path with a blank in it is not found.
func holderOfPath(path string) holder {
	for fields := range rowsOf("/proc/net/unix") {
		const listens = "00010000" // __SO_ACCEPTCON
		if len(fields) == 8 && fields[3] == listens && fields[7] == path {
			return holderOfSocket(fields[6], "")
		}
	}
	return holder{}
}

// rowsOf gives the fields of each line but the first, which has their names.
func rowsOf(table string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		f, err := os.Open(table)
		if err != nil {
			return
		}
		defer func() { _ = f.Close() }()
		lines := bufio.NewScanner(f)
		for lines.Scan(); lines.Scan(); {
			if !yield(strings.Fields(lines.Text())) {
				return
			}
		}
	}
}

// parseProcAddr reads 0100007F:1F90: groups of four bytes, each in the order of the machine, and the port.
func parseProcAddr(s string) (netip.AddrPort, bool) {
	ip, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(ip)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}

// overlap reports whether two sockets with these addresses cannot have the same port.
func overlap(a, b netip.Addr) bool {
	a, b = a.WithZone(""), b.WithZone("")
	return a == b || a.IsUnspecified() && (a.Is6() || b.Is4()) || b.IsUnspecified() && (b.Is6() || a.Is4())
}

// holderOfSocket finds the process that has the socket open. Those of other users cannot be looked into: then their user is
// all that is known.
func holderOfSocket(inode, user string) holder {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return holder{user: user}
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(process, "comm")) // without it the number is enough
		return holder{pid: pid, name: strings.TrimSpace(string(name))}
	}
	return holder{user: user}
}
