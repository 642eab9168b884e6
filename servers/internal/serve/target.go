package serve

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// form is how a request line names its target (RFC 9112, 3.2).
type form byte

const (
	origin    form = iota // /path?query
	absolute              // http://host/path?query
	authority             // host:port, of CONNECT
	asterisk              // *, of OPTIONS
)

// isTarget has the characters of targets. Tab is Kestrel's: it is escaped for net/url.
var isTarget = table(func(c byte) bool { return c == '\t' || c > ' ' && c < 0x7f })

func formOf(method, target []byte) (form, *fault) {
	for _, c := range target {
		if !isTarget[c] {
			return 0, bad("invalid character in the target")
		}
	}
	switch {
	case target[0] == '/':
		return origin, nil
	case string(target) == "*":
		return asterisk, onlyFor(method, http.MethodOptions)
	case schemeLen(target) > 0:
		return absolute, nil
	case isHost(target):
		return authority, onlyFor(method, http.MethodConnect)
	}
	return 0, bad("invalid target")
}

func onlyFor(method []byte, only string) *fault {
	if string(method) == only {
		return nil
	}
	return &fault{status: http.StatusMethodNotAllowed, reason: "target of another method", allow: only}
}

// schemeLen is how long http:// or https:// is at the beginning of target, or 0.
func schemeLen(target []byte) int {
	for _, scheme := range []string{"http://", "https://"} {
		if len(target) > len(scheme) && strings.EqualFold(string(target[:len(scheme)]), scheme) {
			return len(scheme)
		}
	}
	return 0
}

// splitAbsolute gives host and port, and what comes after them without the fragment.
func splitAbsolute(target []byte) (host, rest []byte) {
	host = target[schemeLen(target):]
	if end := bytes.IndexAny(host, "/?#"); end >= 0 {
		host, rest = host[:end], host[end:]
	}
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	rest, _, _ = bytes.Cut(rest, []byte("#"))
	return host, rest
}

// agrees reports whether the Host field names the target's host. A scheme's own port may be left out on either side.
func (f form) agrees(target, host []byte) bool {
	switch f {
	case authority:
		return bytes.Equal(target, host)
	case absolute:
		named, _ := splitAbsolute(target)
		port := ":80"
		if target[4]|0x20 == 's' {
			port = ":443"
		}
		return isHost(named) && bytes.Equal(bytes.TrimSuffix(named, []byte(port)), bytes.TrimSuffix(host, []byte(port)))
	}
	return true
}

// forGo gives the target as net/url is to read it, or nil when that is how it is: origin form for absolute form, no dot
// segments (Kestrel removes them before any routing), and escapes that net/url can read. The handler gets the client's own
// text back in Request.RequestURI.
func (f form) forGo(target []byte) ([]byte, *fault) {
	if f == authority || f == asterisk {
		return nil, nil
	}
	text := target
	if f == absolute {
		_, text = splitAbsolute(target)
		if len(text) == 0 || text[0] != '/' {
			text = append([]byte("/"), text...)
		}
	}
	path, query, asked := bytes.Cut(text, []byte("?"))
	clean, changed, fault := cleanPath(path)
	if fault != nil {
		return nil, fault
	}
	cleanQuery := bytes.ReplaceAll(query, []byte("\t"), []byte("%09"))
	if f == origin && !changed && len(cleanQuery) == len(query) {
		return nil, nil
	}
	if asked {
		clean = append(append(bytes.Clone(clean), '?'), cleanQuery...)
	}
	return clean, nil
}

// cleanPath escapes what net/url does not take and removes dot segments.
func cleanPath(path []byte) (clean []byte, changed bool, f *fault) {
	escaped, f := escape(path)
	if f != nil {
		return nil, false, f
	}
	clean = escaped
	if bytes.Contains(escaped, []byte("/.")) || bytes.Contains(escaped, []byte("/%2")) {
		clean = removeDots(escaped)
	}
	return clean, len(escaped) != len(path) || len(clean) != len(escaped), nil
}

// escape gives path itself when there is nothing to escape.
func escape(path []byte) ([]byte, *fault) {
	var out []byte
	from := 0
	for i, c := range path {
		var as string
		switch {
		case c == '\t':
			as = "%09"
		case c != '%':
			continue
		case !isEscape(path[i:]):
			as = "%25"
		case path[i+1] == '0' && path[i+2] == '0':
			return nil, bad("NUL in the path")
		default:
			continue
		}
		out = append(append(out, path[from:i]...), as...)
		from = i + 1
	}
	if from == 0 {
		return path, nil
	}
	return append(out, path[from:]...), nil
}

func isEscape(b []byte) bool { return len(b) > 2 && isHex(b[1]) && isHex(b[2]) }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// removeDots follows RFC 3986, 5.2.4, with %2e for a dot too.
func removeDots(path []byte) []byte {
	var out []byte
	found := false
	for rest := path; len(rest) > 0; {
		end := bytes.IndexByte(rest[1:], '/') + 1 // rest begins with a slash
		if end == 0 {
			end = len(rest)
		}
		segment := rest[:end]
		rest = rest[end:]
		dots := dotsOf(segment[1:])
		if dots == 0 {
			out = append(out, segment...)
			continue
		}
		found = true
		if dots == 2 {
			out = out[:max(bytes.LastIndexByte(out, '/'), 0)]
		}
		if len(rest) == 0 {
			out = append(out, '/')
		}
	}
	if !found {
		return path
	}
	return out
}

// CleanPath removes dot segments from the path of a request, as is done with those of HTTP/1.x: for other versions of HTTP,
// in which the same URL has to be the same path.
func CleanPath(u *url.URL) {
	path := u.EscapedPath()
	if !strings.Contains(path, "/.") && !strings.Contains(path, "/%2") {
		return
	}
	if clean := removeDots([]byte(path)); len(clean) != len(path) {
		cleaned := parseTarget(string(clean))
		u.Path, u.RawPath = cleaned.Path, cleaned.RawPath
	}
}

// dotsOf is 1 or 2 for a segment of so many dots, else 0.
func dotsOf(segment []byte) int {
	n := 0
	for ; len(segment) > 0 && n < 3; n++ {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) > 2 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
	}
	if n > 2 {
		return 0
	}
	return n
}
