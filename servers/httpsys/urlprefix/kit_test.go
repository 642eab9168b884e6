package urlprefix

import (
	"net/netip"
	"strings"
	"testing"
)

// must is Parse for texts that are right.
func must(t testing.TB, text string) Prefix {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// table makes one in which each prefix is its own value.
func table(t testing.TB, texts ...string) *Table[string] {
	t.Helper()
	var entries []Entry[string]
	for _, text := range texts {
		entries = append(entries, Entry[string]{must(t, text), text})
	}
	return New(entries)
}

// request is what comes in at local.
type request struct{ scheme, host, local, path string }

// asked reads "http://host/path at 127.0.0.1:80".
func asked(t testing.TB, text string) request {
	t.Helper()
	url, local, _ := strings.Cut(text, " at ")
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		t.Fatalf("%q is no request", text)
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	return request{scheme, host, local, path}
}

func (r request) match(table *Table[string]) (string, Prefix, Result) {
	return table.Match(r.scheme, []byte(r.host), netip.MustParseAddrPort(r.local), []byte(r.path))
}
