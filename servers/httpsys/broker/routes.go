//go:build linux || darwin

package broker

import (
	"net/netip"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// routes are what is registered, as those see it who accept. They are never changed: a new table takes the place of the old one.
type routes struct {
	table   *urlprefix.Table[*queue]
	schemes map[uint16]schemes
	queues  map[string]*queue // those with names
}

// schemes says which are registered at a port.
type schemes struct{ http, https bool }

func newRoutes(registered map[string]*registration, queues map[string]*queue) *routes {
	r := &routes{schemes: map[uint16]schemes{}, queues: queues}
	var entries []urlprefix.Entry[*queue]
	for _, by := range registered {
		p := by.prefix
		entries = append(entries, urlprefix.Entry[*queue]{Prefix: p, Value: by.queue})
		s := r.schemes[p.Port]
		if p.Scheme == "https" {
			s.https = true
		} else {
			s.http = true
		}
		r.schemes[p.Port] = s
	}
	r.table = urlprefix.New(entries)
	return r
}

func (r *routes) has(scheme string, port uint16) bool {
	if scheme == "https" {
		return r.schemes[port].https
	}
	return r.schemes[port].http
}

// hasPort reports whether anybody has registered for a port.
func (r *routes) hasPort(port uint16) bool { return r.schemes[port] != schemes{} }

// match gives the queue whose request it is. The host is that of the Host field and may have a port, the path is clean and still
// escaped, local is where the client has connected to.
func (b *Broker) match(scheme string, host, path []byte, local netip.AddrPort) (*queue, urlprefix.Result) {
	q, _, result := b.routes.Load().table.Match(scheme, host, local, path)
	return q, result
}

// only gives the queue that every request to the host there belongs to, if there is one.
func (b *Broker) only(scheme, host string, local netip.AddrPort) (*queue, bool) {
	return b.routes.Load().table.Only(scheme, host, local)
}
