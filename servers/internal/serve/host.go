package serve

import "strings"

// isHostChar has what Kestrel takes in a host's name: no percent sign, comma, at sign or slash.
var isHostChar = table(func(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!$&'()-._~", c) >= 0
})

// IsHost reports whether s may be the host of a request: for other versions of HTTP, which do not look.
func IsHost(s string) bool { return isHost([]byte(s)) }

// isHost reports whether b is a name or an address, with or without a port. The port's size is not looked at.
func isHost(b []byte) bool {
	if len(b) > 0 && b[0] == '[' {
		return isBracketed(b)
	}
	for i, c := range b {
		if c == ':' {
			return i > 0 && isPort(b[i:])
		}
		if !isHostChar[c] {
			return false
		}
	}
	return len(b) > 0
}

func isBracketed(b []byte) bool {
	for i, c := range b[1:] {
		switch {
		case c == ']':
			return i >= len("::") && isPort(b[i+2:])
		case !isHex(c) && c != ':' && c != '.':
			return false
		}
	}
	return false
}

// isPort takes nothing, or a colon and digits.
func isPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return b[0] == ':' && len(b) > 1
}
