package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// Looking for the socket of a process begins with the first pause and slows down to the last. The reference looks every
// 250 ms (servers.md, 1.4).
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// Ready returns nil when the process, or one that it started, listens where a connection to Addr arrives. READY=1 of the
// process has it look at once. Errors: a *StrangerError when somebody else listens there, a *NotListeningError when ctx
// ends before anybody does.
func (h *OutOfProcess) Ready(ctx context.Context, tree *process.Tree) error {
	woken := h.notices.follow(tree, h.hear)
	timer := time.NewTimer(0)
	defer timer.Stop()
	strange := 0 // looks in a row with a stranger
	for pause := firstPause; ; pause = min(pause*5/4, lastPause) {
		ready, err := h.see(tree)
		if strange++; err == nil {
			strange = 0
		}
		if ready || strange == sure {
			return err
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return h.notListening(tree)
		case <-woken:
		case <-timer.C:
		}
	}
}

// sure is how often a stranger must be seen: a process that changes its parent just now is missing in the tree for a moment.
const sure = 3

// see looks once. The error is a *StrangerError.
func (h *OutOfProcess) see(tree *process.Tree) (ready bool, err error) {
	if h.Listens(tree) {
		return true, nil
	}
	holder, taken, err := sockets.Holder(h.Addr())
	if err != nil || !taken || !tableIsReadable(tree) {
		return false, nil
	}
	if h.Listens(tree) { // by now
		return true, nil
	}
	return false, &StrangerError{Addr: h.Addr(), Holder: holder}
}

// tableIsReadable reports whether this system shows who listens.
func tableIsReadable(tree *process.Tree) bool {
	_, err := sockets.Owned(tree.PIDs())
	return err == nil
}

// Listens reports whether the process, or one that it started, listens where a connection to Addr arrives. Where the
// system's table cannot be read (macOS) it reports whether anybody does, by a connection.
func (h *OutOfProcess) Listens(tree *process.Tree) bool {
	listeners, err := sockets.Owned(tree.PIDs())
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return dial(h.Addr())
	case err != nil:
		return false // it could not be read this time: the process may just have ended
	}
	return slices.ContainsFunc(listeners, func(l sockets.Listener) bool { return reaches(h.Addr(), l.AddrPort) })
}

// Deaf reports whether the process surely cannot be reached any more: it does not listen, and a connection is refused or
// arrives at somebody else. A table that could not be read, because too many files are open, is no proof.
func (h *OutOfProcess) Deaf(tree *process.Tree) bool {
	if h.Listens(tree) {
		return false
	}
	conn, err := net.DialTimeout("tcp", h.Addr().String(), time.Second)
	if err != nil {
		return errors.Is(err, errRefused) || errors.Is(err, errReset)
	}
	conn.Close()
	return !h.Listens(tree)
}

// reaches reports whether a connection to addr arrives at a socket that listens there.
func reaches(addr, listening netip.AddrPort) bool {
	e := endpoint.Endpoint{Scheme: "http", Host: addr.Addr().String(), Port: addr.Port()}
	return e.Accepts(listening)
}

func dial(addr netip.AddrPort) bool {
	conn, err := net.DialTimeout("tcp", addr.String(), time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func (h *OutOfProcess) notListening(tree *process.Tree) error {
	e := &NotListeningError{Addr: h.Addr()}
	listeners, _ := sockets.Owned(tree.PIDs())
	for _, l := range listeners {
		if l.Path == "" {
			e.Elsewhere = append(e.Elsewhere, l.AddrPort)
		}
	}
	return e
}

// StrangerError says that the port of a process was taken by somebody else, after it was chosen.
type StrangerError struct {
	Addr   netip.AddrPort
	Holder sockets.Listener // who; its PID is 0 where that is not known
}

func (e *StrangerError) Error() string {
	who := "somebody else"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d (%s)", e.Holder.PID, e.Holder.Program)
	}
	return fmt.Sprintf("it failed to listen on the given port: %s is listening on %v", who, e.Addr)
}

// NotListeningError says that a process did not listen on its port.
type NotListeningError struct {
	Addr      netip.AddrPort   // where it should
	Elsewhere []netip.AddrPort // where it does
}

func (e *NotListeningError) Error() string {
	text := fmt.Sprintf("it does not listen on %v", e.Addr)
	if len(e.Elsewhere) > 0 {
		text += ", but on " + e.elsewhere()
	}
	return text
}

func (e *NotListeningError) elsewhere() string {
	var all []string
	for _, addr := range e.Elsewhere {
		all = append(all, addr.String())
	}
	return strings.Join(all, ", ")
}

// Hint says how a program finds its port.
func (e *NotListeningError) Hint() string {
	return "the program is to listen on the port that the variable PORT (or ASPNETCORE_PORT) has; servers.Run does"
}
