package urlprefix

import (
	"bytes"
	"net/netip"
	"strings"
)

// paths has the prefixes of one host. nil has none.
type paths[V comparable] struct {
	all     []*Entry[V]          // in the order of New
	folded  map[string]*Entry[V] // by path as fold gives it
	root    *Entry[V]            // that of "/", or nil
	longest int                  // bytes of a key
	slashes int                  // most of a key
	local   bool                 // they are Local
}

// with adds a prefix, and makes the paths if there are none.
func (s *paths[V]) with(e Entry[V]) *paths[V] {
	if s == nil {
		s = &paths[V]{folded: map[string]*Entry[V]{}, local: e.Prefix.Local()}
	}
	key := folded(e.Prefix.Path)
	if s.folded[key] != nil {
		return s
	}
	s.all = append(s.all, &e)
	s.folded[key] = &e
	s.longest, s.slashes = max(s.longest, len(key)), max(s.slashes, strings.Count(key, "/"))
	if key == "/" {
		s.root = &e
	}
	return s
}

// there gives s where a connection that came in at local may see it.
func (s *paths[V]) there(local netip.AddrPort) *paths[V] {
	if s == nil || s.local && !plain(local).IsLoopback() {
		return nil
	}
	return s
}

// short is how long paths usually are: a buffer for these is cleared in no time.
const short = 120

// find gives the longest that matches, and nil when there is none, with result NoPath if s is not nil.
func (s *paths[V]) find(path []byte, result *Result) *Entry[V] {
	if s == nil {
		return nil
	}
	if *result = NoPath; s.longest == 1 {
		return s.root
	}
	if s.longest > short {
		return s.findLong(path)
	}
	var buffer [short + 8]byte // fold may go beyond its limit, by no more than a character
	return s.lookUp(fold(buffer[:0], path, s.longest, s.slashes))
}

//go:noinline
func (s *paths[V]) findLong(path []byte) *Entry[V] {
	var buffer [maxPath + 8]byte
	return s.lookUp(fold(buffer[:0], path, s.longest, s.slashes))
}

// lookUp tries a path, and what is above it.
func (s *paths[V]) lookUp(path []byte) *Entry[V] {
	for {
		i := bytes.LastIndexByte(path, '/')
		if i <= 0 {
			return s.root
		}
		if e := s.folded[string(path[:i+1])]; e != nil {
			return e
		}
		path = path[:i]
	}
}
