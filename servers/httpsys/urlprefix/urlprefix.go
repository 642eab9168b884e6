// Package urlprefix is HTTP.sys' UrlPrefix as a value, and the matching of requests by it (reference: servers.md, 4.2): pure, without
// sockets and queues, so that the broker and every app that it serves come to the same answer.
//
// Prefix and Table never change once they are made, and may be used by several goroutines.
package urlprefix

import (
	"net/netip"
	"strconv"
	"strings"
)

// Prefix is what an app registers: scheme://host:port/path/. Parse makes valid ones, and only these have a meaning. Two can be
// compared by ==; whether they are the same registration is for Key to say, since the case of a path does not count.
type Prefix struct {
	Scheme string // "http" or "https"
	Host   string // in lower case: "+", "*", a name, "*.name", an IPv4 or IPv6 address (no brackets)
	Port   uint16 // 0 is any that is free, to be replaced when it is registered
	Path   string // as written; begins and ends with "/"
}

// Kind is the category of a prefix. They are asked in this order.
type Kind int

const (
	Strong Kind = iota // "+"
	Name               // by the Host field
	IP                 // by the address at which the connection came in
	Weak               // "*"
)

// Kind gives the category.
func (p Prefix) Kind() Kind {
	switch p.Host {
	case "+":
		return Strong
	case "*":
		return Weak
	}
	if _, err := netip.ParseAddr(p.Host); err == nil {
		return IP
	}
	return Name
}

// Local says whether the prefix is for connections from this machine alone: localhost, a name below it, or a loopback address.
// HTTP.sys would take localhost in the Host field from anywhere; here nobody else gets to see such an app.
func (p Prefix) Local() bool {
	if p.Host == "localhost" || strings.HasSuffix(p.Host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(p.Host)
	return err == nil && ip.IsLoopback()
}

// String gives the prefix as it is registered, with its port; Parse gives p back.
func (p Prefix) String() string {
	return p.origin() + p.Path
}

func (p Prefix) origin() string {
	host := p.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return p.Scheme + "://" + host + ":" + strconv.Itoa(int(p.Port))
}

// Key is the same for prefixes that are one registration, and is a name for the eyes of nobody.
func (p Prefix) Key() string { return p.origin() + folded(p.Path) }

// PathBase is Path without the slash at its end: "", or "/base".
func (p Prefix) PathBase() string { return strings.TrimSuffix(p.Path, "/") }

// Split takes the path of a request, still escaped, that p has matched, apart: base is what p's path has matched, in the request's
// own writing, and rest begins with a slash or is "" (for /base). For a prefix without a path base is "".
func (p Prefix) Split(path string) (base, rest string) {
	segments := strings.Count(p.Path, "/") - 1
	if segments <= 0 {
		return "", path
	}
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if segments--; segments == 0 {
			return path[:i], path[i:]
		}
	}
	return path, ""
}

// Covers says whether whoever has a reservation may register p: scheme, host and port are the same to the letter, and p's path is the
// reservation's or below it (reference: servers.md, 4.3 and 7.3, 3). The longest that covers a prefix counts; it is the one whose Key
// is longest.
func Covers(reservation, p Prefix) bool {
	return reservation.origin() == p.origin() && strings.HasPrefix(folded(p.Path), folded(reservation.Path))
}
