package sockets

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// diag yields the listening TCP sockets of this process's own network. It asks the kernel for listeners alone
// (sock_diag(7)): the table of /proc costs milliseconds even when it is short, since the kernel walks through all the
// room that it keeps for connections. Kernels without that (and some sandboxes) give an error.
func (r *reader) diag(yield func(inode uint64, l Listener)) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	for _, family := range []byte{syscall.AF_INET, syscall.AF_INET6} {
		if err := syscall.Sendto(fd, diagRequest(family), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
			return err
		}
		for done := false; !done; {
			n, _, err := syscall.Recvfrom(fd, r.room(), 0)
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				return err
			}
			if done, err = diagAnswers(r.buf[:n], yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// diagRequest is a netlink header with an inet_diag_req_v2 of linux/inet_diag.h.
func diagRequest(family byte) []byte {
	const (
		size      = 16 + 56
		sockDiag  = 20      // SOCK_DIAG_BY_FAMILY
		listening = 1 << 10 // TCP_LISTEN
	)
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b, size)
	binary.NativeEndian.PutUint16(b[4:], sockDiag)
	binary.NativeEndian.PutUint16(b[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	b[16], b[17] = family, syscall.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[20:], listening)
	return b
}

// diagAnswers reads the messages of one packet; done says that it was the last one.
func diagAnswers(packet []byte, yield func(inode uint64, l Listener)) (done bool, err error) {
	const header = 16
	for len(packet) >= header {
		size := int(binary.NativeEndian.Uint32(packet))
		if size < header || size > len(packet) {
			return true, syscall.EBADMSG
		}
		body := packet[header:size]
		switch binary.NativeEndian.Uint16(packet[4:]) {
		case syscall.NLMSG_DONE:
			return true, nil
		case syscall.NLMSG_ERROR:
			if len(body) < 4 {
				return true, syscall.EBADMSG
			}
			return true, syscall.Errno(-int32(binary.NativeEndian.Uint32(body)))
		default:
			if inode, addr, ok := parseDiag(body); ok {
				yield(inode, Listener{AddrPort: addr})
			}
		}
		packet = packet[min((size+3)&^3, len(packet)):]
	}
	return false, nil
}

// parseDiag reads an inet_diag_msg.
func parseDiag(b []byte) (inode uint64, addr netip.AddrPort, ok bool) {
	if len(b) < 72 {
		return 0, netip.AddrPort{}, false
	}
	ip := netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	if b[0] == syscall.AF_INET {
		ip = netip.AddrFrom4([4]byte(b[8:12]))
	}
	inode = uint64(binary.NativeEndian.Uint32(b[68:]))
	return inode, netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[4:])), true
}
