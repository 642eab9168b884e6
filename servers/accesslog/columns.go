package accesslog

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// column appends the value of a field, or nothing when there is none.
type column func(b []byte, e *exchange.Exchange) []byte

type field struct {
	name   string
	column column
}

// knownFields is in the order of W3CLogger, then those that only IIS has.
func knownFields() []field {
	computer := hostname()
	return []field{
		{"date", func(b []byte, e *exchange.Exchange) []byte { return e.Start.UTC().AppendFormat(b, time.DateOnly) }},
		{"time", func(b []byte, e *exchange.Exchange) []byte { return e.Start.UTC().AppendFormat(b, time.TimeOnly) }},
		{"c-ip", text(clientIP)},
		{"cs-username", text(userName)},
		{"s-computername", text(func(*exchange.Exchange) string { return computer })},
		{"s-ip", text(serverIP)},
		{"s-port", text(serverPort)},
		{"cs-method", text(func(e *exchange.Exchange) string { return e.Method })},
		{"cs-uri-stem", text((*exchange.Exchange).EscapedPath)},
		{"cs-uri-query", text(query)},
		{"sc-status", status},
		{"time-taken", timeTaken},
		{"cs-version", text(func(e *exchange.Exchange) string { return e.Proto })},
		{"cs-host", text(func(e *exchange.Exchange) string { return e.Host })},
		{"cs(User-Agent)", text(func(e *exchange.Exchange) string { return e.UserAgent })},
		{"cs(Cookie)", header("Cookie")},
		{"cs(Referer)", text(func(e *exchange.Exchange) string { return e.Referer })},
		{"sc-bytes", func(b []byte, e *exchange.Exchange) []byte { return strconv.AppendInt(b, e.Sent, 10) }},
		{"cs-bytes", func(b []byte, e *exchange.Exchange) []byte { return strconv.AppendInt(b, e.Received, 10) }},
		{"s-sitename", nothing},
		{"sc-substatus", nothing},
		{"sc-win32-status", nothing},
	}
}

// KnownFields gives the fields that W3C knows. The last one, "cs(Name)", stands for every request header. The result is the
// caller's.
func KnownFields() []string {
	var names []string
	for _, f := range knownFields() {
		names = append(names, f.name)
	}
	return append(names, "cs(Name)")
}

// findColumns gives the columns, and the names as they are written in #Fields. Names are compared without their case.
func findColumns(names []string) (columns []column, canonical []string, err error) {
	known := knownFields()
	var errs []error
	for _, name := range names {
		f, ok := findField(known, name)
		if !ok {
			errs = append(errs, &FieldError{name})
			continue
		}
		columns = append(columns, f.column)
		canonical = append(canonical, f.name)
	}
	return columns, canonical, errors.Join(errs...)
}

func findField(known []field, name string) (field, bool) {
	for _, f := range known {
		if strings.EqualFold(f.name, name) {
			return f, true
		}
	}
	if len(name) < len("cs()") || !strings.EqualFold(name[:3], "cs(") || name[len(name)-1] != ')' {
		return field{}, false
	}
	key := name[3 : len(name)-1]
	if !isToken(key) {
		return field{}, false
	}
	key = http.CanonicalHeaderKey(key)
	if key == "Host" { // net/http takes it out of the header
		return field{"cs(Host)", text(func(e *exchange.Exchange) string { return e.Host })}, true
	}
	return field{"cs(" + key + ")", header(key)}, true
}

// isToken knows the names of headers (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		isLetter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !isLetter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

func nothing(b []byte, _ *exchange.Exchange) []byte { return b }

// header is a request header by its canonical name, with several values joined as ASP.NET Core joins them.
func header(key string) column {
	return text(func(e *exchange.Exchange) string { return strings.Join(e.Request.Header[key], ",") })
}

// text is a column for what a client, or anybody, has made up.
func text(value func(*exchange.Exchange) string) column {
	return func(b []byte, e *exchange.Exchange) []byte { return appendWord(b, value(e)) }
}

// appendWord appends s so that it is one column of one line for every reader, also for one that takes more for a space
// or a line break than ASCII's.
func appendWord(b []byte, s string) []byte {
	for _, r := range strings.TrimSpace(s) { // U+FFFD for what is not UTF-8
		if r == ' ' || !unicode.IsPrint(r) {
			r = '+'
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

func query(e *exchange.Exchange) string {
	if e.Query == "" {
		return ""
	}
	return "?" + e.Query
}

func status(b []byte, e *exchange.Exchange) []byte {
	if e.Status == 0 {
		return b
	}
	return strconv.AppendInt(b, int64(e.Status), 10)
}

// timeTaken is in milliseconds, as fine as .NET's clock.
func timeTaken(b []byte, e *exchange.Exchange) []byte {
	ticks := e.Duration / (100 * time.Nanosecond)
	return strconv.AppendFloat(b, float64(ticks)/1e4, 'f', -1, 64)
}

func clientIP(e *exchange.Exchange) string {
	host, _ := splitAddress(e.Remote)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	return ip.Unmap().String()
}

func serverIP(e *exchange.Exchange) string {
	ip, _ := local(e)
	return ip
}

func serverPort(e *exchange.Exchange) string {
	_, port := local(e)
	return port
}

// local is where the connection came in. A unix socket has neither.
func local(e *exchange.Exchange) (ip, port string) {
	switch e.Local.(type) {
	case *net.TCPAddr, *net.UDPAddr:
		return splitAddress(e.Local.String())
	}
	return "", ""
}

// userName is not verified: only the app knows how.
func userName(e *exchange.Exchange) string {
	name, _, _ := e.Request.BasicAuth()
	return name
}
