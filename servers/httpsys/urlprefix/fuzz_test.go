package urlprefix

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Whatever is a prefix prints as a text that is the same prefix, and whatever is none says why.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"http://localhost", "HTTPS://+:443/a%2Fb/É", "http://[::1]:0/x", "http://[::ffff:1.2.3.4]", "http://*.Bücher.example/",
		"http://0.0.0.0:80", "http://a//b", "://", "http://:1", "http://a:NOTAPORT/", "http://xn--a/", "http://K:1/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			e, ok := errors.AsType[*ParseError](err)
			if !ok || e.Reason == "" || p != (Prefix{}) {
				t.Errorf("%q: %v, %#v", text, p, err)
			}
			return
		}
		again, err := Parse(p.String())
		if err != nil || again != p {
			t.Errorf("%q is %v, which is %v, %v", text, p, again, err)
		}
		if !strings.HasPrefix(p.Path, "/") || !strings.HasSuffix(p.Path, "/") || p.Host == "" || !Covers(p, p) {
			t.Errorf("%q is %#v", text, p)
		}
		if base, rest := p.Split(p.Path + "x"); base != p.PathBase() || rest != "/x" {
			t.Errorf("%q: its path is split into %q and %q", text, base, rest)
		}
	})
}

// Match finds what a slow search finds, which goes through all prefixes by the words of servers.md, 4.2.
func FuzzMatch(f *testing.F) {
	f.Add("http://+/s\nhttp://a/b\nhttp://*/\nhttp://10.0.0.1/x", "a:80", "10.0.0.1:80", "/b/c")
	f.Add("http://*.x.y/\nhttp://*.y/a\nhttp://localhost/é", "A.X.Y", "127.0.0.1:80", "/%C3%89")
	f.Add("http://a/a%2Fb\nhttp://a/a/b\nhttp://a/%25", "a", "[::1]:80", "/A%2fb/")
	f.Add("http://a/a\nhttp://a/a/b/c", "a", "[::1%1]:80", "/a/b/%")
	f.Fuzz(func(t *testing.T, texts, host, at, path string) {
		local, err := netip.ParseAddrPort(at)
		if err != nil {
			return
		}
		var entries []Entry[int]
		for i, text := range strings.SplitN(texts, "\n", 20) {
			if p, err := Parse(text); err == nil {
				entries = append(entries, Entry[int]{p, i})
			}
		}
		table := New(entries)
		v, p, result := table.Match("http", []byte(host), local, []byte(path))
		wantValue, want, wantResult := model(entries, host, local, path)
		if v != wantValue || p != want || result != wantResult {
			t.Errorf("%q: %q at %v, %q: got %v %d, want %v %d", texts, host, local, path, p, result, want, wantResult)
		}
		if result == Found && !slices.Contains(slices.Collect(table.Owners("http", host, local)), v) {
			t.Errorf("%q: %q at %v, %q: %v is none of its owners", texts, host, local, path, p)
		}
	})
}

func model(entries []Entry[int], host string, local netip.AddrPort, path string) (int, Prefix, Result) {
	host, _, _ = strings.Cut(host, ":")
	result := NoHost
	for _, fits := range categories(host, local) {
		var best *Entry[int]
		var longest []string
		for _, e := range entries {
			p := e.Prefix
			if p.Scheme != "http" || p.Port != local.Port() || p.Port == 0 || !fits(p) || p.Local() && !local.Addr().Unmap().IsLoopback() {
				continue
			}
			result = NoPath
			if s := segments(p.Path); isBelow(segments(path), s) && (best == nil || len(s) > len(longest)) {
				best, longest = &e, s
			}
		}
		if best != nil {
			return best.Value, best.Prefix, Found
		}
	}
	return 0, Prefix{}, result
}

// categories gives those of a host, in their order.
func categories(host string, local netip.AddrPort) (list []func(Prefix) bool) {
	list = append(list, func(p Prefix) bool { return p.Kind() == Strong })
	host = strings.Map(lowerASCII, host)
	named := func(name string) func(Prefix) bool {
		return func(p Prefix) bool {
			return p.Kind() == Name && len(host) <= maxHost && (p.Host == name || asciiName(p.Host) == name)
		}
	}
	list = append(list, named(host))
	for i, c := range host {
		if c == '.' && i > 0 {
			list = append(list, named("*"+host[i:]))
		}
	}
	return append(list,
		func(p Prefix) bool {
			return p.Kind() == IP && netip.MustParseAddr(p.Host) == local.Addr().Unmap().WithZone("")
		},
		func(p Prefix) bool { return p.Kind() == Weak })
}

func lowerASCII(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	return r
}

// segments takes a path apart: what is between its slashes, escapes read but for %2F, in lower case.
func segments(path string) (list []string) {
	path, rooted := strings.CutPrefix(path, "/")
	path = strings.TrimSuffix(path, "/")
	if path == "" || !rooted { // such as "*"
		return nil
	}
	for s := range strings.SplitSeq(path, "/") {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			high, low := strings.IndexByte(digits, at(s, i+1)), strings.IndexByte(digits, at(s, i+2))
			if s[i] != '%' || high < 0 || low < 0 {
				b.WriteByte(s[i])
				continue
			}
			if c := byte(high%16<<4 | low%16); c == '/' {
				b.WriteString("\xff\xff/") // which no other text gives
			} else {
				b.WriteByte(c)
			}
			i += 2
		}
		list = append(list, lower(b.String()))
	}
	return list
}

// digits has each at its value, or 16 above it.
const digits = "0123456789abcdef0123456789ABCDEF"

// lower is strings.ToLower that leaves bytes of no character as they are.
func lower(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError {
			b.WriteString(s[:n])
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		s = s[n:]
	}
	return b.String()
}

func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

func isBelow(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}
