package urlprefix

import "strings"

// asciiName is a name as clients write it in the Host field and in SNI: labels that are not ASCII in punycode (RFC 3492, RFC 5890).
// The name is in lower case already.
func asciiName(name string) string {
	labels := strings.Split(name, ".")
	for i, label := range labels {
		labels[i] = asciiLabel(label)
	}
	return strings.Join(labels, ".")
}

// The parameters of RFC 3492, 5.
const (
	base        = 36
	tMin        = 1
	tMax        = 26
	skew        = 38
	damp        = 700
	initialBias = 72
	initialN    = 128
)

// asciiLabel is the encoder of RFC 3492, 6.3. Labels are short: no number overflows.
func asciiLabel(label string) string {
	runes := []rune(label)
	var out []byte
	for _, r := range runes {
		if r < initialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic == len(runes) {
		return label
	}
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for done := basic; done < len(runes); n++ {
		next := smallest(runes, n)
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			out = appendNumber(out, delta, bias)
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
	}
	return "xn--" + string(out)
}

// smallest gives the smallest that is n or above.
func smallest(runes []rune, n rune) rune {
	best := rune(0x7fffffff)
	for _, r := range runes {
		if r >= n {
			best = min(best, r)
		}
	}
	return best
}

// appendNumber appends a number of variable length (RFC 3492, 3.3).
func appendNumber(out []byte, q, bias int) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := base; ; k += base {
		t := min(max(k-bias, tMin), tMax)
		if q < t {
			return append(out, digits[q])
		}
		out = append(out, digits[t+(q-t)%(base-t)])
		q = (q - t) / (base - t)
	}
}

// adapt is RFC 3492, 6.1.
func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}
