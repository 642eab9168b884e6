package sockets

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"strconv"
	"syscall"
)

// reader reads files of /proc through one buffer.
type reader struct{ buf []byte }

// room returns the buffer.
func (r *reader) room() []byte {
	if r.buf == nil {
		r.buf = make([]byte, 32<<10)
	}
	return r.buf
}

// listening yields all listening sockets of a network, given as a folder such as /proc/self/net.
func (r *reader) listening(folder string, yield func(inode uint64, l Listener)) error {
	if err := r.tcp(folder, yield); err != nil {
		return err
	}
	return r.lines(folder+"/unix", func(line []byte) {
		if inode, path, ok := parseUnix(line); ok {
			yield(inode, Listener{Path: path})
		}
	})
}

// tcp yields the TCP ones.
func (r *reader) tcp(folder string, yield func(inode uint64, l Listener)) error {
	if folder == ownNetwork {
		var found []diagnosed // nothing is yielded twice if it fails halfway
		if r.diag(func(inode uint64, l Listener) { found = append(found, diagnosed{inode, l}) }) == nil {
			for _, d := range found {
				yield(d.inode, d.listener)
			}
			return nil
		}
	}
	for _, name := range []string{"/tcp", "/tcp6"} {
		err := r.lines(folder+name, func(line []byte) {
			if inode, addr, ok := parseTCP(line); ok {
				yield(inode, Listener{AddrPort: addr})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ownNetwork is the folder of the network that this process is in.
const ownNetwork = "/proc/self/net"

type diagnosed struct {
	inode    uint64
	listener Listener
}

// lines yields the lines of a file after the first, which is a heading. A file that is not there has none: the
// process is gone, or the kernel has no IPv6.
func (r *reader) lines(path string, yield func(line []byte)) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	buf, kept, heading := r.room(), 0, true
	for {
		n, err := syscall.Read(fd, buf[kept:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.ESRCH || err == nil && n == 0:
			return nil
		case err != nil:
			return &fs.PathError{Op: "read", Path: path, Err: err}
		}
		rest := buf[:kept+n]
		for {
			line, after, whole := bytes.Cut(rest, []byte("\n"))
			if !whole {
				break
			}
			if !heading {
				yield(line)
			}
			heading, rest = false, after
		}
		kept = copy(buf, rest)
		if kept == len(buf) {
			return &fs.PathError{Op: "read", Path: path, Err: syscall.EOVERFLOW} // no line is that long
		}
	}
}

// parseTCP reads a line of net/tcp or net/tcp6, see proc(5). ok is false when the socket does not listen.
func parseTCP(line []byte) (inode uint64, addr netip.AddrPort, ok bool) {
	const listen = "0A"
	var fields [10][]byte
	if split(line, fields[:]) < len(fields) || string(fields[3]) != listen {
		return 0, netip.AddrPort{}, false
	}
	host, port, _ := bytes.Cut(fields[1], []byte(":"))
	ip, ok := parseIP(host)
	number, err := strconv.ParseUint(string(port), 16, 16)
	if err != nil || !ok {
		return 0, netip.AddrPort{}, false
	}
	inode, err = strconv.ParseUint(string(fields[9]), 10, 64)
	return inode, netip.AddrPortFrom(ip, uint16(number)), err == nil
}

// parseIP reads an address of 4 or 16 bytes, which the kernel writes as numbers of 32 bits in its own byte order.
func parseIP(text []byte) (netip.Addr, bool) {
	var ip [16]byte
	size := hex.DecodedLen(len(text))
	if size != 4 && size != 16 {
		return netip.Addr{}, false
	}
	if _, err := hex.Decode(ip[:], text); err != nil {
		return netip.Addr{}, false
	}
	for word := ip[:size]; len(word) > 0; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, ok := netip.AddrFromSlice(ip[:size])
	return addr.Unmap(), ok
}

// parseUnix reads a line of net/unix. ok is false when the socket does not listen, or has no name. The path is the
// rest of the line, spaces included.
func parseUnix(line []byte) (inode uint64, path string, ok bool) {
	const acceptsConnections = 1 << 16 // __SO_ACCEPTCON of linux/net.h
	var fields [7][]byte
	if split(line, fields[:]) < len(fields) {
		return 0, "", false
	}
	flags, err := strconv.ParseUint(string(fields[3]), 16, 32)
	if err != nil || flags&acceptsConnections == 0 {
		return 0, "", false
	}
	inode, err = strconv.ParseUint(string(fields[6]), 10, 64)
	end := cap(line) - cap(fields[6]) + len(fields[6]) // where the inode ends
	if err != nil || end+1 >= len(line) {
		return 0, "", false
	}
	return inode, string(line[end+1:]), true
}

// split cuts the first fields off a line, and returns how many there are.
func split(line []byte, fields [][]byte) int {
	count := 0
	for count < len(fields) {
		line = bytes.TrimLeft(line, " ")
		if len(line) == 0 {
			break
		}
		end := bytes.IndexByte(line, ' ')
		if end < 0 {
			end = len(line)
		}
		fields[count], line = line[:end], line[end:]
		count++
	}
	return count
}
