//go:build linux || darwin

package broker

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listening is one socket on which the broker accepts. One goroutine accepts, decides and hands over, all in one go: to wake
// another for each connection would cost more than the work. A client that has sent nothing so far is looked at again when nobody
// else is there to be accepted: mostly its head has come by then, and heads need not know of it. Measured with a connection for
// each request, of what the app does that listens itself (processor time, BenchmarkConnections): 0.7 so, 0.67 without the second
// look, less with a goroutine for each or when Go's poller gets to know of each.
type listening struct {
	addr   netip.AddrPort
	local  netip.AddrPort // of each connection; the zero value where that differs
	file   *os.File
	raw    syscall.RawConn
	broker *Broker
	ended  atomic.Bool
	done   chan struct{} // closed when the goroutine has ended
}

// listenOn opens a socket. Errors are the system's.
func listenOn(b *Broker, addr netip.AddrPort) (*listening, error) {
	fd, err := bound(addr, true)
	if err == nil {
		if err = unix.Listen(fd, backlog); err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		return nil, err
	}
	l := &listening{addr: addr, broker: b, file: os.NewFile(uintptr(fd), addr.String()), done: make(chan struct{})}
	if !addr.Addr().IsUnspecified() {
		l.local = addr
	}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		_ = l.file.Close()
		return nil, err
	}
	return l, nil
}

// backlog is cut down by the system to what it allows.
const backlog = 1 << 15

// bound makes a socket with an address, on which nobody listens so far. [::] takes IPv4 too. With share another socket of this user
// may have an address that includes this one, or the same: so a port's sockets come and go, one by one.
func bound(addr netip.AddrPort, share bool) (fd int, err error) {
	ip := addr.Addr().Unmap()
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16(), ZoneId: zone(ip)})
	if ip.Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	}
	if fd, err = newSocket(family); err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if share {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if family == unix.AF_INET6 {
		only := 1
		if ip.IsUnspecified() {
			only = 0
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	tuneListener(fd)
	if err := unix.Bind(fd, sa); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// zone gives the number of an address's network interface, or 0. An unknown one makes an error of bind.
func zone(ip netip.Addr) uint32 {
	if ip.Zone() == "" {
		return 0
	}
	if i, err := net.InterfaceByName(ip.Zone()); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(ip.Zone(), 10, 32)
	return uint32(n)
}

// scarcity is how long nothing is accepted after descriptors have run out, and scarcityTold how often that is told.
const (
	scarcity     = 50 * time.Millisecond
	scarcityTold = time.Minute
)

// accept is the goroutine. It ends with close.
func (l *listening) accept() {
	defer close(l.done)
	r := newReader()
	var silent []*visit // have sent nothing so far
	var said time.Time  // when want of descriptors was told
	for !l.ended.Load() {
		var problem syscall.Errno
		err := l.raw.Read(func(listener uintptr) bool {
			for !l.ended.Load() {
				fd, e := acceptOne(listener)
				if e == 0 {
					silent = l.meet(fd, r, silent)
					continue
				}
				if silent = l.again(silent, r); e == syscall.EAGAIN {
					return false
				}
				problem = e
				return true
			}
			return true
		})
		silent = l.again(silent, r)
		if err != nil {
			return
		}
		if problem != 0 {
			if now := time.Now(); now.Sub(said) > scarcityTold {
				said = now
				l.broker.log.Warn("HTTP.sys: no connection can be accepted for now", "address", l.addr, "error", os.NewSyscallError("accept", problem))
			}
			l.broker.heads.relieve()
			l.rest()
		}
	}
}

// maxSilent is how many wait for their second look while others are accepted.
const maxSilent = 64

// meet looks at a connection that was accepted, and adds it to silent when nothing has come.
func (l *listening) meet(fd int, r *reader, silent []*visit) []*visit {
	tuneAccepted(fd)
	v := &visit{fd: fd, local: l.local}
	d := l.broker.decide(v, r, false)
	if d.what != wait || v.begun || len(silent) == maxSilent {
		l.broker.pursue(v, d)
		return silent
	}
	return append(silent, v)
}

// again looks at all of silent once more, and gives them away.
func (l *listening) again(silent []*visit, r *reader) []*visit {
	if len(silent) == 0 {
		return silent
	}
	runtime.Gosched() // for those who send at this moment
	for i, v := range silent {
		l.broker.arrived(v, r)
		silent[i] = nil
	}
	return silent[:0]
}

// rest waits for a while, or for close.
func (l *listening) rest() {
	timer := time.NewTimer(scarcity)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.broker.ctx.Done():
	}
}

// settling is how long sockets that others replace are kept for clients whose connections are being made.
const settling = 50 * time.Millisecond

// settle waits for them.
func (b *Broker) settle() {
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ctx.Done():
	}
}

// close ends accepting. Clients that have connected and were not accepted are, before that: nobody else would.
func (l *listening) close() {
	l.ended.Store(true)
	_ = l.file.SetReadDeadline(time.Unix(1, 0))
	<-l.done
	r := newReader()
	_ = l.raw.Control(func(listener uintptr) {
		for range backlog {
			fd, e := acceptOne(listener)
			if e != 0 {
				return
			}
			tuneAccepted(fd)
			l.broker.arrived(&visit{fd: fd, local: l.local}, r)
		}
	})
	_ = l.file.Close()
}
