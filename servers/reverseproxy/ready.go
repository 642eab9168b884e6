package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/internal/sockets"
)

const (
	// Looking for the sockets begins with the first pause and slows down to the last.
	firstPause = 2 * time.Millisecond
	lastPause  = 100 * time.Millisecond

	// StartLimit is how long a front may take to listen. nginx tries for 2.5 seconds to get a port that is taken.
	StartLimit = 30 * time.Second

	pickAttempts = 3
)

// awaitReady returns nil when a socket of the program listens on every public address.
func (f *Front) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, StartLimit,
		fmt.Errorf("%s does not listen after %s", f.config.Program.Kind.label(), StartLimit))
	defer cancel()
	for pause := firstPause; !f.listens(ctx); pause = min(pause*3/2, lastPause) {
		select {
		case <-f.done:
			return f.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
	return nil
}

// listens reads the system's table of sockets once. Where it cannot be read, a dial is the only proof there is. Both
// programs listen before they heed signals: one that has no workers yet would be ended by a reload.
func (f *Front) listens(ctx context.Context) bool {
	if len(f.workers()) == 0 {
		return false
	}
	listeners, err := sockets.Owned(f.tree.PIDs())
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return false
	}
	readable := err == nil
	for _, s := range f.config.sites() {
		if !readable {
			if !s.answers(ctx) {
				return false
			}
			continue
		}
		if s.Unix != "" && !slices.ContainsFunc(listeners, func(l sockets.Listener) bool { return l.Path == s.Unix }) {
			return false
		}
		for _, addr := range s.Addrs {
			if !slices.ContainsFunc(listeners, func(l sockets.Listener) bool { return covers(l.AddrPort, addr) }) {
				return false
			}
		}
	}
	return true
}

// answers reports whether somebody takes connections on all sockets of s.
func (s site) answers(ctx context.Context) bool {
	if s.Unix != "" && !dial(ctx, "unix", s.Unix) {
		return false
	}
	return !slices.ContainsFunc(s.Addrs, func(addr netip.AddrPort) bool { return !dial(ctx, "tcp", addr.String()) })
}

func dial(ctx context.Context, network, address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// checkPorts looks for somebody else on the public addresses, and removes the files of unix sockets that nobody has.
func (c Config) checkPorts() error {
	for _, s := range c.sites() {
		public := c.Public[s.Number-1].Endpoint
		if s.Unix != "" {
			removeSocket(s.Unix)
			if _, err := os.Lstat(s.Unix); err == nil {
				return &PortInUseError{Endpoint: public}
			}
		}
		for _, addr := range s.Addrs {
			if holder, found, err := sockets.Holder(addr); err == nil && found {
				return &PortInUseError{public, holder}
			}
		}
	}
	return nil
}

// hasIPv6 reports whether this machine lets one listen on [::1].
func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func samePort(a, b Public) bool { return a.Port == b.Port }

// pickPorts gives free ports to the endpoints that leave them open.
func (c Config) pickPorts() (Config, error) {
	c.Public = slices.Clone(c.Public)
	for i := range c.Public {
		p := &c.Public[i]
		if p.Unix != "" || p.Port != 0 {
			continue
		}
		port, err := freePort(c.addrs(p.Endpoint))
		if err != nil {
			return c, fmt.Errorf("no free port for %s: %w", p.Endpoint, err)
		}
		p.Endpoint = p.WithPort(port)
	}
	return c, nil
}

// freePort is one that is free on all of the addresses.
func freePort(addrs []netip.AddrPort) (port uint16, err error) {
	for range 10 {
		var l net.Listener
		if l, err = net.Listen("tcp", addrs[0].String()); err != nil {
			return 0, err
		}
		port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		err = free(addrs[1:], port)
		l.Close()
		if err == nil {
			return port, nil
		}
	}
	return 0, err
}

func free(addrs []netip.AddrPort, port uint16) error {
	for _, addr := range addrs {
		l, err := net.Listen("tcp", netip.AddrPortFrom(addr.Addr(), port).String())
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}
