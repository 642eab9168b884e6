package servers

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

func portOf(addr net.Addr) uint16 {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return uint16(tcp.Port)
	}
	return 0
}

// listenAll opens every endpoint, or none: the error joins an *AddressError for each that cannot be opened. Sockets that
// were inherited are used first; those that remain unused are closed.
func listenAll(endpoints []Endpoint, inherited []net.Listener) ([]Listener, error) {
	var open []Listener
	var errs []error
	for _, e := range endpoints {
		listeners, left := take(e, inherited)
		inherited = left
		if len(listeners) == 0 {
			var err error
			if listeners, err = listen(e.Endpoint); err != nil {
				errs = append(errs, &AddressError{URL: e.String(), Source: e.Source, Err: err})
			}
		}
		for _, l := range listeners {
			open = append(open, Listener{l, e})
		}
	}
	if len(errs) == 0 {
		return open, nil
	}
	return nil, errors.Join(append(errs, closeSockets(open), closeListeners(inherited))...)
}

func closeSockets(open []Listener) error {
	var errs []error
	for _, l := range open {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func closeListeners(list []net.Listener) error {
	var errs []error
	for _, l := range list {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// listen opens the sockets of one endpoint: two for localhost, one for any other.
func listen(e endpoint.Endpoint) ([]net.Listener, error) {
	switch {
	case e.Unix != "":
		return one(listenUnix(e.Unix))
	case e.IsLocal():
		return listenLocal(e.Addrs())
	default:
		return one(listenTCP(e.Addrs()[0]))
	}
}

func one(l net.Listener, err error) ([]net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

// listenLocal opens both loopback addresses on one port. As with Kestrel one is enough where the system has no other,
// but a port that is taken on either is an error: the app would answer some clients and not others.
//
// Port 0, which Kestrel refuses here, takes a port that is free on both: the system chooses one for the first address, and
// chooses again when it is taken on the second.
func listenLocal(addrs []netip.AddrPort) ([]net.Listener, error) {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		listeners, err := listenSamePort(addrs)
		if err == nil || addrs[0].Port() != 0 || !isInUse(err) || attempt == attempts {
			return listeners, err
		}
	}
}

func listenSamePort(addrs []netip.AddrPort) ([]net.Listener, error) {
	var listeners []net.Listener
	var errs []error
	for _, addr := range addrs {
		if len(listeners) > 0 {
			addr = netip.AddrPortFrom(addr.Addr(), portOf(listeners[0].Addr()))
		}
		l, err := listenTCP(addr)
		if isInUse(err) {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		listeners = append(listeners, l)
	}
	if len(listeners) == 0 {
		return nil, errors.Join(errs...)
	}
	return listeners, nil
}

// listenUnix opens a unix socket. A file that a killed server left there is replaced: it is known by nobody accepting
// on it. The file goes away with the listener, unless it is another's by then.
func listenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil && isInUse(err) && isAbandoned(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, explainUnix(path, err)
	}
	return ownFile(l.(*net.UnixListener), path), nil
}

// unixSocket is a unix socket whose file is removed at the end. A net.UnixListener would remove whatever has the name: when
// somebody has removed the file and another server has made its own, that server could not be reached any more.
type unixSocket struct {
	*net.UnixListener
	removed func() error
}

func ownFile(l *net.UnixListener, path string) net.Listener {
	made, err := os.Lstat(path)
	if err != nil { // it is gone already
		return l
	}
	l.SetUnlinkOnClose(false)
	return &unixSocket{l, sync.OnceValue(func() error {
		if now, err := os.Lstat(path); err != nil || !os.SameFile(made, now) {
			return nil
		}
		return os.Remove(path)
	})}
}

// Close removes the file first, as the system would still accept connections for it.
func (l *unixSocket) Close() error { return errors.Join(l.removed(), l.UnixListener.Close()) }

// isAbandoned reports whether path is a socket that refuses connections.
func isAbandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return false
	}
	return isRefused(err)
}
