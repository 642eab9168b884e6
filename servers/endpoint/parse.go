package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseError says why a text is no URL to listen on. It has no position: the text is short, and shown whole unless it is absurdly long.
type ParseError struct {
	Input  string // the text, as given
	Reason string // what is wrong with it, such as "the port 70000 is above 65535"
	Advice string // what to write, "" when Reason says it all
}

func (e *ParseError) Error() string {
	input := e.Input
	if len(input) > maxShown {
		input = input[:maxShown] + "…"
	}
	return fmt.Sprintf("%q is not a URL to listen on: %s", input, e.Reason)
}

// maxShown is how much of a text a message repeats: more than any that is meant.
const maxShown = 300

// Hint gives the Advice.
func (e *ParseError) Hint() string { return e.Advice }

const (
	adviceURL   = "write it as http://localhost:5000 or http://*:5000"
	adviceOne   = "give one address, or separate several by ;"
	adviceIPv6  = "write an IPv6 address in brackets: http://[::1]:5000"
	adviceUnix  = "write an absolute path: http://unix:/run/app.sock"
	adviceUsage = "an address has a scheme, a host and a port, such as http://localhost:5000"
)

// ParseList reads addresses separated by ';', as ASPNETCORE_URLS and applicationUrl hold them. Blank entries are skipped
// and spaces around an entry are dropped. The result has those that could be read, in order, also when there is an
// error; the error joins a *ParseError for each that could not. A blank list is nil, nil.
func ParseList(s string) ([]Endpoint, error) {
	var list []Endpoint
	var errs []error
	for entry := range strings.SplitSeq(s, ";") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		e, err := Parse(entry)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, e)
	}
	return list, errors.Join(errs...)
}

// Parse reads one URL in the syntax of Kestrel's binding addresses (reference: servers.md, 3.5). Every error is a
// *ParseError.
//
// It is stricter than Kestrel, which takes host:NOTAPORT, user@host or [::1 for the name of a host and so binds every
// address on port 80: here they are errors. A path is read as the path base, without the slash at its end; whether
// a server takes one is for the server to say.
func Parse(s string) (Endpoint, error) {
	e, problem := parse(s)
	if problem != nil {
		problem.Input = s
		return Endpoint{}, problem
	}
	return e, nil
}

// wrong makes a problem; Parse adds the input.
func wrong(advice, reason string, args ...any) *ParseError {
	return &ParseError{Reason: fmt.Sprintf(reason, args...), Advice: advice}
}

func parse(s string) (Endpoint, *ParseError) {
	if problem := checkText(s); problem != nil {
		return Endpoint{}, problem
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return Endpoint{}, noScheme(s)
	}
	e := Endpoint{Scheme: strings.ToLower(scheme)}
	if e.Scheme != "http" && e.Scheme != "https" {
		return Endpoint{}, wrong("begin with http:// or https://", "the scheme %q is neither http nor https", scheme)
	}
	if path, isUnix := strings.CutPrefix(rest, "unix:/"); isUnix {
		return parseUnix(e, "/"+path)
	}
	return parseTCP(e, rest)
}

// checkText finds what is wrong anywhere in an address, before it is taken apart.
func checkText(s string) *ParseError {
	switch {
	case s != strings.TrimSpace(s): // in a list they would be lost
		return wrong("remove it", "it begins or ends with a blank")
	case strings.TrimSpace(s) == "":
		return wrong(adviceURL, "it is empty")
	case len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]: // an env file's quotes are part of the value for some
		return wrong("leave the quotation marks out", "it is in quotation marks")
	case !utf8.ValidString(s):
		return wrong("", "it is not valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return wrong("", "there is a control character in it")
	case strings.Contains(s, ";"), strings.Count(s, "://") > 1:
		return wrong(adviceOne, "it is more than one address")
	}
	return nil
}

func noScheme(s string) *ParseError {
	host := strings.TrimPrefix(s, "//")
	for _, scheme := range []string{"https", "http"} { // http:/x, http:x, http//x
		if after, found := strings.CutPrefix(strings.ToLower(host), scheme); found && strings.HasPrefix(strings.TrimLeft(after, ":"), "/") {
			return wrong(adviceUsage, "there is no :// after %s", scheme)
		}
	}
	if port := strings.TrimPrefix(host, ":"); port != "" && isDigits(port) {
		if _, problem := parsePort(port); problem != nil {
			return problem
		}
		return wrong(fmt.Sprintf("write http://localhost:%s", port), "it is only a port")
	}
	if _, err := Parse("http://" + host); err == nil {
		return wrong(fmt.Sprintf("write http://%s", host), "it has no scheme")
	}
	return wrong(adviceUsage, "it has no scheme")
}

// parseUnix reads what follows unix: in a URL: a path that begins with / and, after a colon, a path base. The colon of a drive
// belongs to the path. Whether there is a drive is seen from the text, so that a URL means the same on every system.
func parseUnix(e Endpoint, s string) (Endpoint, *ParseError) {
	drive := 0
	if len(s) > 3 && unicode.IsLetter(rune(s[1])) && s[1] < utf8.RuneSelf && s[2] == ':' && (s[3] == '/' || s[3] == '\\') {
		drive = 3
	}
	path, base, hasBase := strings.Cut(s[drive:], ":")
	e.Unix = s[min(drive, 1):drive] + path
	if strings.HasSuffix(path, "/") {
		return Endpoint{}, wrong(adviceUnix, "the unix socket has no file name")
	}
	if hasBase && !strings.HasPrefix(base, "/") {
		return Endpoint{}, wrong("write http://unix:/run/app.sock:/base", "the path base after a unix socket begins with /")
	}
	return withPath(e, base)
}

func parseTCP(e Endpoint, s string) (Endpoint, *ParseError) {
	authority, path := s, ""
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		authority, path = s[:i], s[i:]
	}
	if authority == "pipe:" {
		return Endpoint{}, wrong("use http://localhost:5000, or http://unix:/path for a socket without a port", "named pipes are not supported")
	}
	host, port, hasPort, problem := splitPort(authority)
	if problem != nil {
		return Endpoint{}, problem
	}
	if host == "unix" && !isDigits(port) {
		return Endpoint{}, wrong(adviceUnix, "a unix socket has an absolute path")
	}
	e.Host = host
	e.Port = defaultPort(e.Scheme)
	if hasPort {
		if e.Port, problem = parsePort(port); problem != nil {
			return Endpoint{}, problem
		}
	}
	return withPath(e, path)
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// splitPort takes host:port apart and checks the host, which comes back without brackets.
func splitPort(authority string) (host, port string, hasPort bool, problem *ParseError) {
	switch {
	case strings.Contains(authority, ","):
		return "", "", false, wrong(adviceOne, "a comma does not separate addresses")
	case strings.ContainsRune(authority, '@'):
		return "", "", false, wrong(adviceUsage, "an address to listen on has no user name")
	case strings.HasPrefix(authority, "["):
		return splitBrackets(authority)
	}
	host, port, hasPort = strings.Cut(authority, ":")
	if strings.Contains(port, ":") {
		return "", "", false, wrong(adviceIPv6, "there is more than one colon after the scheme")
	}
	return host, port, hasPort, checkHost(host)
}

func splitBrackets(authority string) (host, port string, hasPort bool, problem *ParseError) {
	inside, after, closed := strings.Cut(authority[1:], "]")
	if !closed {
		return "", "", false, wrong(adviceIPv6, "the bracket is not closed")
	}
	address, zone, zoned := strings.Cut(inside, "%")
	if zoned && len(zone) > 2 { // RFC 6874 writes %25eth0, Kestrel reads %eth0: both are taken
		zone = strings.TrimPrefix(zone, "25")
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || zoned && !isName(zone) {
		return "", "", false, wrong(adviceIPv6, "[%s] is not an IPv6 address", inside)
	}
	if after != "" && after[0] != ':' {
		return "", "", false, wrong(adviceIPv6, "%q follows the bracket", after)
	}
	if zoned {
		address += "%" + zone
	}
	return address, strings.TrimPrefix(after, ":"), after != "", nil
}

// maxHost is how long a name of the DNS may be (RFC 1035, 2.3.4).
const maxHost = 253

func checkHost(host string) *ParseError {
	if host == "" {
		return wrong("write localhost, an IP address, or * for every address", "it has no host")
	}
	if host == "*" || host == "+" {
		return nil
	}
	if len(host) > maxHost {
		return wrong("", "its host has %d bytes, and no name has more than %d", len(host), maxHost)
	}
	labels := strings.Split(strings.TrimPrefix(host, "*."), ".")
	for _, label := range labels {
		if !isName(label) {
			return wrong("", "%q is not a host name", host)
		}
	}
	// The system's resolvers read 127.1 or 0x7f000001 as an IPv4 address; taken for a name it would bind every address.
	last := strings.ToLower(labels[len(labels)-1])
	if _, err := netip.ParseAddr(host); err != nil && (isDigits(last) || strings.HasPrefix(last, "0x")) {
		return wrong("an IPv4 address has four numbers from 0 to 255", "%s is not an IPv4 address", host)
	}
	return nil
}

// isName reports whether s may be a part of a host name, or a zone. Letters of every language may stand in it: names
// are not looked up, and a browser writes them in its own way.
func isName(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.N, unicode.M) && r != '-' && r != '_' {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func parsePort(s string) (uint16, *ParseError) {
	const advice = "a port is a number from 0 (any free port) to 65535"
	if s == "" {
		return 0, wrong(advice, "there is no port after the colon")
	}
	if !isDigits(s) {
		return 0, wrong(advice, "the port %q is not a number", s)
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, wrong(advice, "the port %s is above 65535", s)
	}
	return uint16(n), nil
}

// withPath gives e the path base. It stays escaped as it was written.
func withPath(e Endpoint, path string) (Endpoint, *ParseError) {
	switch {
	case strings.ContainsAny(path, "?#"):
		return Endpoint{}, wrong("leave out what follows ? or #", "an address to listen on has no query and no fragment")
	case strings.ContainsFunc(path, func(r rune) bool { return unicode.IsSpace(r) || r == '\\' }):
		return Endpoint{}, wrong("", "there is a space or a backslash in its path")
	case !escapesAreWhole(path):
		return Endpoint{}, wrong("write %25 for a percent sign", "the path %q has a percent sign that no two hex digits follow", path)
	}
	e.Path = strings.TrimRight(path, "/")
	return e, nil
}

func escapesAreWhole(path string) bool {
	parts := strings.Split(path, "%")
	for _, after := range parts[1:] {
		if len(after) < 2 || strings.Trim(after[:2], "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return true
}
