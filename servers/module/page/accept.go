package page

import (
	"mime"
	"strconv"
	"strings"
)

// form is a form of the page.
type form int

const (
	asText form = iota
	asHTML
	asJSON
)

// accepted is the form that the fields of Accept ask for by name: the one with the highest weight, the first of those that
// weigh the same. Wildcards name none: curl gets text.
func accepted(fields []string) form {
	best, weight := asText, 0.0
	for entry := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		kind, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		named := true
		f := asText
		switch kind {
		case "text/html", "application/xhtml+xml":
			f = asHTML
		case "application/json", "application/problem+json":
			f = asJSON
		case "text/plain":
		default:
			named = false
		}
		if q := quality(params); named && q > weight {
			best, weight = f, q
		}
	}
	return best
}

// quality is the weight that a type has: 1 without one, 0 for one that cannot be read.
func quality(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
