//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"golang.org/x/sys/unix"
)

// The addresses of names that mean this machine alone, and of everything else.
var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
	anywhere  = netip.IPv6Unspecified()
)

// addresses are where a prefix must be listened for.
func addresses(p urlprefix.Prefix) []netip.AddrPort {
	if ip, err := netip.ParseAddr(p.Host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), p.Port)}
	}
	if p.Local() {
		return []netip.AddrPort{netip.AddrPortFrom(loopback4, p.Port), netip.AddrPortFrom(loopback6, p.Port)}
	}
	return []netip.AddrPort{netip.AddrPortFrom(anywhere, p.Port)}
}

// wanted are where all that is registered must be listened for.
func (b *Broker) wanted() map[netip.AddrPort]bool {
	all := map[netip.AddrPort]bool{}
	for _, by := range b.registered {
		for _, a := range addresses(by.prefix) {
			all[a] = true
		}
	}
	return all
}

// listen opens what a new prefix needs and nothing has opened. What it has opened is closed by unlisten, when something after that
// fails. The error is a *wire.Error.
func (b *Broker) listen(p urlprefix.Prefix) (opened []netip.AddrPort, err error) {
	for _, a := range addresses(p) {
		if b.covered(a) {
			continue
		}
		err := b.open(a, !b.hasPort(a.Port()))
		if err != nil && a.Addr() == loopback6 && p.Kind() == urlprefix.Name && hasNoAddress(err) {
			continue // a system without IPv6
		}
		if err != nil {
			b.unlisten(opened)
			return nil, explain(a, err)
		}
		opened = append(opened, a)
	}
	return opened, nil
}

// covered reports whether connections to a come in already.
func (b *Broker) covered(a netip.AddrPort) bool {
	return b.listeners[a] != nil || b.listeners[netip.AddrPortFrom(anywhere, a.Port())] != nil
}

// hasPort reports whether a socket of ours has the port.
func (b *Broker) hasPort(port uint16) bool {
	for a := range b.listeners {
		if a.Port() == port {
			return true
		}
	}
	return false
}

// open listens on an address and starts to accept. Our sockets share a port among each other, and the system would have them
// share it with those of another program that are made for that: alone says that there are none of ours, so that such a
// program is found.
func (b *Broker) open(a netip.AddrPort, alone bool) error {
	at := a
	fd, err := bound(at, !alone)
	if hasNoAddress(err) && a.Addr() == anywhere { // no IPv6
		at = netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
		fd, err = bound(at, !alone)
	}
	if err != nil {
		return err
	}
	_ = unix.Close(fd)
	l, err := listenOn(b, at)
	if err != nil {
		return err
	}
	b.listeners[a] = l
	b.serving.Go(l.accept)
	return nil
}

// unlisten closes listeners.
func (b *Broker) unlisten(all []netip.AddrPort) {
	for _, a := range all {
		l := b.listeners[a]
		delete(b.listeners, a)
		l.close()
	}
}

// relisten closes what nothing needs any more. What it has covered is opened before that.
func (b *Broker) relisten() {
	wanted := b.wanted()
	over := map[netip.AddrPort]*listening{}
	for a, l := range b.listeners {
		if !wanted[a] && !wanted[netip.AddrPortFrom(anywhere, a.Port())] {
			over[a] = l
			delete(b.listeners, a)
		}
	}
	for a := range wanted {
		if b.covered(a) {
			continue
		}
		if err := b.open(a, false); err != nil && !(a.Addr() == loopback6 && hasNoAddress(err)) {
			b.log.Error("HTTP.sys: an address is lost", "address", a, "error", err)
		}
	}
	for a := range over {
		if b.hasPort(a.Port()) { // another socket gets who comes from now on
			b.settle()
			break
		}
	}
	for _, l := range over {
		l.close()
	}
	if len(over) > 0 {
		b.heads.sweep()
	}
}

// The ports of which one is chosen for a prefix with port 0 (reference: servers.md, 4.2).
const firstDynamic, lastDynamic = 5000, 48000

// choosePort tries ports at random for a prefix with port 0, and gives it with the one that could be had.
func (b *Broker) choosePort(p urlprefix.Prefix) (urlprefix.Prefix, []netip.AddrPort, error) {
	var last error
	for range 100 {
		p.Port = uint16(firstDynamic + rand.IntN(lastDynamic-firstDynamic+1))
		if b.hasPort(p.Port) {
			continue
		}
		opened, err := b.listen(p)
		if err == nil {
			return p, opened, nil
		}
		last = err
	}
	return p, nil, last
}

// hasNoAddress reports whether the system has no such address, or nothing of its kind.
func hasNoAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// explain says in a user's words why an address cannot be had.
func explain(a netip.AddrPort, err error) error {
	e := &wire.Error{Code: wire.CodePort, Message: a.String() + ": " + err.Error()}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		who, advice := holder(a)
		e.Message, e.Advice = a.String()+": address already in use"+who, advice+", or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Message, e.Advice = a.String()+": this machine has no such address", "use localhost, + for every host name, or an address that this machine has"
	case errors.Is(err, fs.ErrPermission):
		e.Message, e.Advice = a.String()+": this user may not use the port", permit(a.Port())
	}
	return e
}

// holder says who has an address, as far as the system tells, and what to do about it.
func holder(a netip.AddrPort) (who, advice string) {
	l, found, err := sockets.Holder(a)
	switch {
	case err != nil || !found || l.PID == 0:
		return "", "stop the program that listens there"
	case l.PID == os.Getpid():
		return " by the broker itself", "try again"
	}
	who = fmt.Sprintf(" by process %d", l.PID)
	if l.Program != "" {
		who += " (" + l.Program + ")"
	}
	return who, fmt.Sprintf("stop process %d", l.PID)
}

// permit says how ports under 1024 become everybody's. They are the broker's to open, so that apps need nothing.
func permit(port uint16) string {
	if runtime.GOOS != "linux" {
		return "choose a port from 1024 up"
	}
	advice := "allow it for all programs: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=" + strconv.Itoa(int(port))
	if own, err := os.Executable(); err == nil {
		advice += ", or for gorun alone, before its broker starts: sudo setcap cap_net_bind_service=+ep " + strconv.Quote(own)
	}
	return advice + "; or choose a port from 1024 up"
}
