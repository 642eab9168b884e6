package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Owned returns the listening TCP sockets that the processes hold. Windows has no table of Unix sockets.
func Owned(pids []int) ([]Listener, error) {
	all, err := listening()
	if err != nil {
		return nil, err
	}
	owned := slices.DeleteFunc(all, func(l Listener) bool { return !slices.Contains(pids, l.PID) })
	for i := range owned {
		owned[i].Program = programName(owned[i].PID)
	}
	return owned, nil
}

// Holder returns a listener that keeps others from listening on addr: one with the same port and the same address,
// or with a wildcard on either side; [::] takes IPv4 too, unless it was made not to. There is none for port 0.
func Holder(addr netip.AddrPort) (Listener, bool, error) {
	if addr.Port() == 0 {
		return Listener{}, false, nil
	}
	all, err := listening()
	if err != nil {
		return Listener{}, false, err
	}
	l, found := pick(addr, all)
	if found {
		l.Program = programName(l.PID)
	}
	return l, found, nil
}

// rows of iphlpapi's tables, see MIB_TCPROW_OWNER_PID and MIB_TCP6ROW_OWNER_PID of tcpmib.h. Addresses and ports are
// in network byte order.
type row4 struct {
	_     uint32 // state
	addr  [4]byte
	port  [4]byte // in the first two
	_     [2]uint32
	owner uint32
}

type row6 struct {
	addr  [16]byte
	_     uint32  // scope
	port  [4]byte // in the first two
	_     [16]byte
	_     [3]uint32 // remote scope, remote port, state
	owner uint32
}

// listening reads the whole table.
func listening() ([]Listener, error) {
	var listeners []Listener
	add := func(ip netip.Addr, port [4]byte, owner uint32) {
		addr := netip.AddrPortFrom(ip.Unmap(), uint16(port[0])<<8|uint16(port[1]))
		listeners = append(listeners, Listener{AddrPort: addr, PID: int(owner)})
	}
	rows4, err := table[row4](windows.AF_INET)
	if err != nil {
		return nil, err
	}
	for _, r := range rows4 {
		add(netip.AddrFrom4(r.addr), r.port, r.owner)
	}
	rows6, err := table[row6](windows.AF_INET6)
	if err != nil {
		return nil, err
	}
	for _, r := range rows6 {
		add(netip.AddrFrom16(r.addr), r.port, r.owner)
	}
	return listeners, nil
}

// table reads the listeners of one address family: a 32-bit count, then the rows.
func table[row any](family uint32) ([]row, error) {
	const ownerPIDListener = 3 // TCP_TABLE_OWNER_PID_LISTENER of iprtrmib.h
	call := windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")
	if err := call.Find(); err != nil {
		return nil, fmt.Errorf("table of sockets: %w: %w", errors.ErrUnsupported, err)
	}
	for size := uint32(16 << 10); ; {
		buf := make([]uint32, size/4+1)
		status, _, _ := call.Call(uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0,
			uintptr(family), ownerPIDListener, 0)
		switch errno := windows.Errno(status); errno {
		case windows.ERROR_SUCCESS:
			rows := unsafe.Slice((*row)(unsafe.Pointer(&buf[1])), int(buf[0]))
			return slices.Clone(rows), nil
		case windows.ERROR_INSUFFICIENT_BUFFER: // size says what is needed; more may come meanwhile
			size += size / 4
		default:
			return nil, fmt.Errorf("table of sockets: %w", errno)
		}
	}
}

// programName is the name of a process's executable, without .exe.
func programName(pid int) string {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(process)
	path := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(path))
	if windows.QueryFullProcessImageName(process, 0, &path[0], &size) != nil {
		return ""
	}
	name := filepath.Base(windows.UTF16ToString(path[:size]))
	if strings.EqualFold(filepath.Ext(name), ".exe") {
		return name[:len(name)-len(".exe")]
	}
	return name
}

// taken reports whether somebody keeps us from listening on addr.
func taken(addr netip.AddrPort) bool {
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return errors.Is(err, windows.WSAEADDRINUSE)
	}
	listener.Close()
	return false
}
