package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// bounds are what a number may be. Kestrel has int for most limits, and long for those that may be null.
type bounds struct {
	min, max int64
	orNull   bool // null is no limit
	// zero is what a 0 within the bounds becomes, because 0 in package limits is the default. 0 means that there is nothing
	// it could become.
	zero int64
}

// number reads a limit. null and "" are -1 where there may be no limit.
func number[T int | int64](r *reader, to *T, b bounds) func(*node) {
	return func(n *node) {
		if !r.isScalar(n) {
			return
		}
		if n.text == "" {
			if b.orNull {
				*to = -1
			} else {
				r.fail(n, "leave it out for the default", "it must be a number")
			}
			return
		}
		i, err := parseInteger(n.text)
		switch {
		case err != nil:
			r.fail(n, "", "%q is not a whole number", n.text)
		case i < b.min || i > b.max:
			r.fail(n, b.advice(), "it must be %s, not %d", b, i)
		case i == 0 && b.zero == 0:
			r.fail(n, "write 1 or more", "0 is not supported here")
		case i == 0:
			*to = T(b.zero)
		default:
			*to = T(i)
		}
	}
}

// String completes "it must be".
func (b bounds) String() string {
	low := b.min
	if low == 0 && b.zero == 0 { // which is not supported
		low = 1
	}
	if b.max == math.MaxInt64 {
		return fmt.Sprintf("%d or more", low)
	}
	return fmt.Sprintf("from %d to %d", low, b.max)
}

func (b bounds) advice() string {
	if b.orNull {
		return "write null for no limit"
	}
	return ""
}

// parseInteger reads what .NET's Int32Converter does: blanks around the number, a sign, or hex digits after 0x, &h or #.
func parseInteger(s string) (int64, error) {
	s = strings.TrimSpace(s)
	for _, prefix := range []string{"0x", "&h", "#"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) && s[len(prefix)] != '-' && s[len(prefix)] != '+' {
			return strconv.ParseInt(s[len(prefix):], 16, 64)
		}
	}
	return strconv.ParseInt(s, 10, 64)
}

// parseFloat reads what .NET reads as a double, but for the names of infinity and of no number.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "+-.eE0123456789") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}
