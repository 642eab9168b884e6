package urlprefix

import (
	"unicode"
	"unicode/utf8"
)

// folded gives a whole path as fold does.
func folded(path string) string { return string(fold(nil, path, len(path)+1, len(path)+1)) }

// fold appends a path as it is compared: escapes read, letters in lower case. A slash that was escaped stays so, as "%2f", and any other
// percent sign is doubled, so that the two differ. It stops when dst has most bytes or a few more, or behind as many slashes. A path
// that is not cut short ends with a slash, which it may have got here.
func fold[T string | []byte](dst []byte, path T, most, slashes int) []byte {
	for i := 0; i < len(path); {
		if len(dst) >= most || slashes == 0 {
			return dst
		}
		c, n := unescape(path, i)
		switch {
		case c == '/' && n > 1:
			dst = append(dst, "%2f"...)
		case c == '%':
			dst = append(dst, "%%"...)
		case c >= utf8.RuneSelf:
			dst, n = foldRune(dst, path, i)
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			if c == '/' {
				slashes--
			}
			dst = append(dst, c)
		}
		i += n
	}
	if len(dst) == 0 || dst[len(dst)-1] != '/' {
		dst = append(dst, '/')
	}
	return dst
}

// unescape gives the byte at i, and the length of its text.
func unescape[T string | []byte](path T, i int) (c byte, n int) {
	if path[i] != '%' || i+2 >= len(path) {
		return path[i], 1
	}
	high, low := hex(path[i+1]), hex(path[i+2])
	if high|low > 15 {
		return '%', 1
	}
	return high<<4 | low, 3
}

// hex gives the value of a digit, or 16 and more.
func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// foldRune appends the character at i, or the byte that begins none, and gives the length of its text.
func foldRune[T string | []byte](dst []byte, path T, i int) ([]byte, int) {
	var b [utf8.UTFMax]byte
	var ends [utf8.UTFMax]int // of the text of each byte
	have, at := 0, i
	for have < len(b) && at < len(path) {
		c, n := unescape(path, at)
		at += n
		b[have], ends[have] = c, at-i
		have++
	}
	r, size := utf8.DecodeRune(b[:have])
	if r == utf8.RuneError && size == 1 {
		return append(dst, b[0]), ends[0]
	}
	return utf8.AppendRune(dst, unicode.ToLower(r)), ends[size-1]
}
