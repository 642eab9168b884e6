package urlprefix

import (
	"bytes"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Entry is a prefix, and whose it is.
type Entry[V comparable] struct {
	Prefix Prefix
	Value  V
}

// Table finds the prefix of a request, among those of any number of ports. It never changes.
type Table[V comparable] struct{ ports map[portKey]*port[V] }

type portKey struct {
	https bool
	port  uint16
}

// port has the prefixes of one port, by category. nil where there are none.
type port[V comparable] struct {
	strong *paths[V]
	names  map[string]*paths[V] // in lower case, ASCII and Unicode; "*.example.com" too
	below  bool                 // there are names with *.
	ips    map[netip.Addr]*paths[V]
	weak   *paths[V]
}

// Result says how a match ended.
type Result int

const (
	Found   Result = iota
	NoPath         // 404: there is a prefix for the host, but not for the path
	NoHost         // 400, "Invalid Hostname": there is none for the host
	BadPath        // 400: the path has an escaped control character, %00 to %1F but for %09 and %0A
)

// New makes a Table of valid prefixes. Of two that are the same registration the first counts; port 0 is never matched.
func New[V comparable](entries []Entry[V]) *Table[V] {
	t := &Table[V]{ports: map[portKey]*port[V]{}}
	for _, e := range entries {
		key := portKey{e.Prefix.Scheme == "https", e.Prefix.Port}
		if key.port == 0 {
			continue
		}
		p := t.ports[key]
		if p == nil {
			p = &port[V]{names: map[string]*paths[V]{}, ips: map[netip.Addr]*paths[V]{}}
			t.ports[key] = p
		}
		p.add(e)
	}
	return t
}

func (p *port[V]) add(e Entry[V]) {
	host := e.Prefix.Host
	switch e.Prefix.Kind() {
	case Strong:
		p.strong = p.strong.with(e)
	case Weak:
		p.weak = p.weak.with(e)
	case IP:
		ip := netip.MustParseAddr(host) // Kind has parsed it
		p.ips[ip] = p.ips[ip].with(e)
	case Name:
		all := p.names[host].with(e)
		p.names[host], p.names[asciiName(host)] = all, all
		p.below = p.below || strings.HasPrefix(host, "*.")
	}
}

// Match finds the prefix for a request. host is the Host field (or :authority), may have a port, which is not looked at, and may be
// empty; local is where the connection came in; path is cleaned and still escaped. The categories are asked in the order of Kind,
// and within one the longest path counts; one that has none for the path leaves the request to the next. A name of its own comes
// before *.name, and of these the longest. An escaped slash (%2F) is none. A prefix that is Local is not there for a connection from
// elsewhere. It allocates nothing.
func (t *Table[V]) Match(scheme string, host []byte, local netip.AddrPort, path []byte) (V, Prefix, Result) {
	var none V
	p := t.ports[portKey{scheme == "https", local.Port()}]
	if p == nil {
		return none, Prefix{}, NoHost
	}
	if hasControl(path) {
		return none, Prefix{}, BadPath
	}
	result := NoHost
	if e := p.strong.find(path, &result); e != nil {
		return e.Value, e.Prefix, Found
	}
	if e := p.byName(host, local, path, &result); e != nil {
		return e.Value, e.Prefix, Found
	}
	if len(p.ips) > 0 {
		if e := p.ips[plain(local)].find(path, &result); e != nil {
			return e.Value, e.Prefix, Found
		}
	}
	if e := p.weak.find(path, &result); e != nil {
		return e.Value, e.Prefix, Found
	}
	return none, Prefix{}, result
}

// hasControl reports whether a path has an escaped control character other than tab and newline: HTTP.sys takes none.
func hasControl(path []byte) bool {
	for {
		at := bytes.IndexByte(path, '%')
		if at < 0 || at+2 >= len(path) {
			return false
		}
		high, low := path[at+1], path[at+2]
		if high == '1' || high == '0' && low != '9' && low|0x20 != 'a' {
			return true
		}
		path = path[at+1:]
	}
}

// plain gives an address as prefixes have it.
func plain(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }

// byName asks for the name, and then for those above it.
func (p *port[V]) byName(host []byte, local netip.AddrPort, path []byte, result *Result) *Entry[V] {
	if len(p.names) == 0 {
		return nil
	}
	var buffer [maxHost]byte
	name := hostName(buffer[:0], host)
	if len(name) == 0 {
		return nil
	}
	if e := p.names[string(name)].there(local).find(path, result); e != nil || !p.below {
		return e
	}
	for i := 1; i < len(name); i++ { // *.b.c for a.b.c
		if name[i] != '.' {
			continue
		}
		name[i-1] = '*' // what is before is not looked at any more
		if e := p.names[string(name[i-1:])].there(local).find(path, result); e != nil {
			return e
		}
	}
	return nil
}

// hostName appends a Host field without its port, in lower case; nothing when it is longer than any name.
func hostName[T string | []byte](dst []byte, host T) []byte {
	for i := 0; i < len(host) && host[i] != ':'; i++ {
		if len(dst) == maxHost {
			return dst[:0]
		}
		c := host[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// Owners gives each value once that a request for that host may lead to, whatever its path, on a connection that came in at local:
// what TLS must know before it knows the request. A category with the path "/" hides those behind it. host "" is one that is not
// known: then it may be any.
func (t *Table[V]) Owners(scheme, host string, local netip.AddrPort) iter.Seq[V] {
	return func(yield func(V) bool) {
		var seen []V
		for s := range t.reachable(scheme, host, local) {
			for _, e := range s.all {
				if slices.Contains(seen, e.Value) {
					continue
				}
				if !yield(e.Value) {
					return
				}
				seen = append(seen, e.Value)
			}
		}
	}
}

// Only gives the single one of Owners. ok is false when there are none or several.
func (t *Table[V]) Only(scheme, host string, local netip.AddrPort) (only V, ok bool) {
	for v := range t.Owners(scheme, host, local) {
		if ok {
			var none V
			return none, false
		}
		only, ok = v, true
	}
	return only, ok
}

// reachable gives the categories that are asked for a host until one has every path.
func (t *Table[V]) reachable(scheme, host string, local netip.AddrPort) iter.Seq[*paths[V]] {
	return func(yield func(*paths[V]) bool) {
		p := t.ports[portKey{scheme == "https", local.Port()}]
		if p == nil {
			return
		}
		next := func(s *paths[V]) bool { return s == nil || yield(s) && s.root == nil }
		if !next(p.strong) {
			return
		}
		if host == "" {
			for _, s := range p.names {
				if s = s.there(local); s != nil && !yield(s) {
					return
				}
			}
		} else if !p.named(host, local, next) {
			return
		}
		if next(p.ips[plain(local)]) {
			next(p.weak)
		}
	}
}

// named calls next with those that a name leads to, until it reports false, and reports that.
func (p *port[V]) named(host string, local netip.AddrPort, next func(*paths[V]) bool) bool {
	name := string(hostName(nil, host))
	if !next(p.names[name].there(local)) {
		return false
	}
	for {
		_, above, found := strings.Cut(name, ".")
		if !found {
			return true
		}
		if !next(p.names["*."+above].there(local)) {
			return false
		}
		name = above
	}
}
