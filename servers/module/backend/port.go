package backend

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"

	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// The ports of processes (reference: servers.md, 1.4).
const (
	MinPort = 1025
	MaxPort = 48000
)

// draws is how many ports are tried.
const draws = 10

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// randomPort is any of the ports. They are no secret, the token is.
func randomPort() uint16 { return MinPort + uint16(rand.N(MaxPort-MinPort+1)) }

// port is the environment's where that has one, else a random one that nobody listens on.
func (h *OutOfProcess) port(env environment) (uint16, error) {
	text := env.get(pairing.PortVariable)
	h.fixedPort = text != ""
	if !h.fixedPort {
		return h.freePort()
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < MinPort || n > MaxPort {
		return 0, &PortVariableError{Value: text}
	}
	return uint16(n), nil
}

func (h *OutOfProcess) freePort() (uint16, error) {
	failed := &NoPortError{}
	for range draws {
		port := h.draw()
		holder, free, err := look(port)
		if free {
			return port, nil
		}
		failed.Tried, failed.Holder, failed.Err = append(failed.Tried, port), holder, err
	}
	return 0, failed
}

// look reports whether a program may listen on the port, on 127.0.0.1 or, as many do, on every address. That nobody
// listens there is not enough: the port may be the near end of somebody's connection, which only an attempt shows.
func look(port uint16) (holder sockets.Listener, free bool, err error) {
	for _, ip := range []netip.Addr{loopback, netip.IPv6Unspecified()} {
		holder, taken, err := sockets.Holder(netip.AddrPortFrom(ip, port))
		if taken || err != nil {
			return holder, false, err
		}
	}
	l, err := net.Listen("tcp4", netip.AddrPortFrom(loopback, port).String())
	if err != nil {
		return sockets.Listener{}, false, nil
	}
	return sockets.Listener{}, l.Close() == nil, nil
}

// PortVariableError says that ASPNETCORE_PORT of the environment cannot be meant. It is critical.
type PortVariableError struct{ Value string }

func (e *PortVariableError) Error() string {
	return fmt.Sprintf("%s is %q, which is no port from %d to %d", pairing.PortVariable, e.Value, MinPort, MaxPort)
}

// Critical is true: another attempt finds the same.
func (*PortVariableError) Critical() bool { return true }

// Hint says what to do.
func (*PortVariableError) Hint() string {
	return "remove the variable " + pairing.PortVariable + ", and a free port is chosen"
}

// NoPortError says that no free port was found.
type NoPortError struct {
	Tried  []uint16
	Holder sockets.Listener // who has the last one; zero where that is not known
	Err    error            // why it could not be found out; nil: all were taken
}

func (e *NoPortError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("cannot find out which ports are free: %v", e.Err)
	}
	return fmt.Sprintf("none of %d ports from %d to %d was free: %v", len(e.Tried), MinPort, MaxPort, e.Tried)
}

func (e *NoPortError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *NoPortError) Hint() string {
	return "set " + pairing.PortVariable + " to a port that is free"
}
