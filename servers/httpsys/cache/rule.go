package cache

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// asksForMore are fields of a request that have the app answer it: what it gets is for this client alone, or is not what
// another would get.
var asksForMore = []string{
	"Authorization", "Cookie", "Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	"Cache-Control", "Pragma", "Upgrade",
}

// mayUse reports whether r may be answered from the cache, or its answer kept.
func mayUse(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength != 0 {
		return false
	}
	for _, name := range asksForMore {
		if _, has := r.Header[name]; has {
			return false
		}
	}
	return true
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

// lifetime gives how long a response may be kept; 0 is not at all (reference: servers.md, 4.4).
func lifetime(status int, h http.Header, now time.Time) time.Duration {
	if status < 200 || status == http.StatusNotModified || status == http.StatusPartialContent || h.Get("Content-Type") == "" {
		return 0
	}
	for name := range h { // a handler may have written the name in any case
		for _, forbidden := range forbids {
			if strings.EqualFold(name, forbidden) {
				return 0
			}
		}
	}
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
	return max(until.Sub(now), 0)
}

// directives are what Cache-Control says. A time that is not said is negative.
type directives struct {
	public, forbidden bool
	shared, age       time.Duration
}

func directivesOf(h http.Header) directives {
	d := directives{shared: -1, age: -1}
	for _, line := range h["Cache-Control"] {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "public":
				d.public = true
			case "private", "no-cache", "no-store":
				d.forbidden = true
			case "s-maxage":
				d.shared = seconds(value)
			case "max-age":
				d.age = seconds(value)
			}
		}
	}
	return d
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
