package relay

import "golang.org/x/net/http/httpguts"

// isToken has methods and field names (RFC 9110, 5.6.2).
func isToken(s string) bool { return httpguts.ValidHeaderFieldName(s) }

// isValue reports whether s may be a field's value. Apps send other bytes than ASCII in it, and clients know what they mean.
func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold is for ASCII: no letter of another script is taken for one of HTTP's.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// appendField writes a field, and nothing when its name is none. Control characters in a value become spaces, so that no
// value can be read as another field.
func appendField(out []byte, key, value string) []byte {
	if !isToken(key) {
		return out
	}
	out = append(append(out, key...), ": "...)
	from := len(out)
	out = append(out, value...)
	for i, c := range out[from:] {
		if c < ' ' && c != '\t' || c == 0x7f {
			out[from+i] = ' '
		}
	}
	return append(out, "\r\n"...)
}
