package cache

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Lifetime gives how long the answer to r may be kept for everybody: 0 is not at all. It is for a server whose cache is
// elsewhere, in the kernel for example.
func Lifetime(r *http.Request, status int, h http.Header, now time.Time) time.Duration {
	if r.Method != http.MethodGet || !mayUse(r) {
		return 0
	}
	return lifetime(status, h, now)
}

// mayUse reports whether r may be answered from the cache, or its answer kept.
func mayUse(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength != 0 || r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return false
	}
	for name := range r.Header {
		if asksForMore(name) {
			return false
		}
	}
	return true
}

// asksForMore knows fields of a request that have the app answer it: what it gets is for this client alone, or is not what another
// would get.
func asksForMore(field string) bool {
	switch field {
	case "Authorization", "Proxy-Authorization", "Cookie", "Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Cache-Control", "Pragma", "Upgrade":
		return true
	}
	return false
}

func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// forbids are fields of a response that it must not have (reference: servers.md, 4.4).
var forbids = []string{"Set-Cookie", "Vary", "Pragma"}

// lifetime gives how long a response may be kept; 0 is not at all (reference: servers.md, 4.4). Time that it has been kept before
// it came here is over (RFC 9111, 4.2.3).
func lifetime(status int, h http.Header, now time.Time) time.Duration {
	switch {
	case status < 200, status == http.StatusNoContent, status == http.StatusResetContent, status == http.StatusPartialContent,
		status == http.StatusNotModified, h.Get("Content-Type") == "":
		return 0
	}
	for name := range h { // a handler may have written the name in any case
		for _, forbidden := range forbids {
			if strings.EqualFold(name, forbidden) {
				return 0
			}
		}
		if name != cacheControl && strings.EqualFold(name, cacheControl) {
			return 0
		}
	}
	return max(freshness(h, now)-ageOf(h), 0)
}

const cacheControl = "Cache-Control"

// ageOf is what the response says of its age.
func ageOf(h http.Header) time.Duration { return seconds(h.Get("Age")) }

func freshness(h http.Header, now time.Time) time.Duration {
	d := directivesOf(h)
	switch {
	case !d.public || d.forbidden:
		return 0
	case d.shared >= 0:
		return d.shared
	case d.age >= 0:
		return d.age
	}
	until, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	return until.Sub(now)
}

// directives are what Cache-Control says. A time that is not said is negative.
type directives struct {
	public, forbidden bool
	shared, age       time.Duration
}

func directivesOf(h http.Header) directives {
	d := directives{shared: -1, age: -1}
	for _, line := range h[cacheControl] {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "public":
				d.public = true
			case "private", "no-cache", "no-store":
				d.forbidden = true
			case "s-maxage":
				d.shared = shorter(d.shared, seconds(value))
			case "max-age":
				d.age = shorter(d.age, seconds(value))
			}
		}
	}
	return d
}

// shorter gives the lesser one where a directive is there twice (RFC 9111, 4.2.1); before is negative when it is there once.
func shorter(before, now time.Duration) time.Duration {
	if before < 0 {
		return now
	}
	return min(before, now)
}

// seconds reads a number of seconds, however large: what cannot be read is none at all.
func seconds(s string) time.Duration {
	s = strings.Trim(s, `" `)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	const most = math.MaxInt64 / int64(time.Second) / 2
	if err != nil || n > most {
		n = most
	}
	return time.Duration(n) * time.Second
}
