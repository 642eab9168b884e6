//go:build linux || darwin

package broker

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
	"golang.org/x/sys/unix"
)

// visit is a client's connection while it is the broker's. It has one owner at a time, who gives it away or ends it; none of
// its methods may be called by two at once.
type visit struct {
	fd        int
	local     netip.AddrPort // where the client has connected to; the zero value is not known so far
	first     []byte         // was read already, by a process that has handed it back
	meta      *wire.Meta     // of a described one; nil: fd is the client's own socket
	encrypted bool           // TLS has not ended here
	isHead    bool           // the request is HEAD, whose response has no body
	tries     int            // how many have been given it and have gone without taking it
	due       time.Time      // when it has waited too long, if a worker that was given it had no room; else zero

	begun bool // some of a head has come
	seen  int  // how many bytes had come when it was looked at last
	want  int  // with how many it is to be looked at again, at the latest

	// Of heads or of a queue's line, under their lock.
	list       *visits
	prev, next *visit
	until      time.Time // when it has waited too long
	busy       bool      // is being looked at
	round      uint64    // of heads, when it came
}

// hasNews reports whether a look at what has come may tell more than the last one did. A head is whole, or wrong, only with the end of
// a line, but for its length. So a client that sends its head byte by byte does not have all of it read each time.
func (v *visit) hasNews(first []byte) bool {
	return len(first) >= v.want || !v.encrypted && bytes.IndexByte(first[min(v.seen, len(first)):], '\n') >= 0
}

// unfinished notes that first was not enough, and with how many bytes it may be.
func (v *visit) unfinished(first []byte, want int) decision {
	v.seen, v.want = len(first), min(want, maxPeek)
	return decision{what: wait}
}

// news is what a poller tells.
type news struct {
	fd    int
	ended bool // nothing more comes
}

// end closes the connection. What the client has not read of an answer may get lost: see heads.finish.
func (v *visit) end() {
	_ = unix.Close(v.fd)
	v.fd = -1
}

// reset closes the connection so that the client sees an error, not an end.
func (v *visit) reset() {
	_ = unix.SetsockoptLinger(v.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	v.end()
}

// address gives where the client has connected to: the zero value when the system does not tell.
func (v *visit) address() netip.AddrPort {
	if v.local.IsValid() {
		return v.local
	}
	switch sa, _ := unix.Getsockname(v.fd); sa := sa.(type) {
	case *unix.SockaddrInet4:
		v.local = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		v.local = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return v.local
}

// conn gives the connection as a net.Conn, on which nothing that has come was read. The visit is used up, also by an error.
func (v *visit) conn() (net.Conn, error) {
	file := os.NewFile(uintptr(v.fd), "client")
	v.fd = -1
	defer file.Close()
	return net.FileConn(file)
}

// tell sends an answer that is shorter than any socket's buffer. What does not fit is not sent.
func (v *visit) tell(answer []byte) {
	for len(answer) > 0 {
		n, err := unix.SendmsgN(v.fd, answer, nil, nil, unix.MSG_DONTWAIT|noSignal)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		answer = answer[n:]
	}
}

// visits are a list in the order in which they came.
type visits struct {
	oldest, newest *visit
	n              int
}

func (l *visits) add(v *visit) {
	v.list, v.prev, v.next = l, l.newest, nil
	if l.newest != nil {
		l.newest.next = v
	} else {
		l.oldest = v
	}
	l.newest = v
	l.n++
}

// addFirst puts back what was the oldest.
func (l *visits) addFirst(v *visit) {
	v.list, v.prev, v.next = l, nil, l.oldest
	if l.oldest != nil {
		l.oldest.prev = v
	} else {
		l.newest = v
	}
	l.oldest = v
	l.n++
}

func (l *visits) remove(v *visit) {
	if v.prev != nil {
		v.prev.next = v.next
	} else {
		l.oldest = v.next
	}
	if v.next != nil {
		v.next.prev = v.prev
	} else {
		l.newest = v.prev
	}
	v.list, v.prev, v.next = nil, nil, nil
	l.n--
}
