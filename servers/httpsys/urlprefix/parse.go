package urlprefix

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseError says why a text is no prefix.
type ParseError struct {
	Text   string // as given
	Reason string // what is wrong, such as "the scheme ftp is neither http nor https"
	Advice string // what to write; "" when Reason says it all
}

func (e *ParseError) Error() string {
	text := e.Text
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return fmt.Sprintf("%q is not a URL prefix: %s", text, e.Reason)
}

// Hint gives the Advice.
func (e *ParseError) Hint() string { return e.Advice }

const (
	maxShown = 300  // bytes of a text that a message repeats
	maxHost  = 253  // of a name (RFC 1035, 2.3.4)
	maxLabel = 63   // of a part of it
	maxPath  = 1024 // of a path, escapes read
)

const (
	adviceForm = "a prefix is a scheme, a host, a port and a path, such as http://localhost:5000/ or http://+:80/api/"
	advicePort = "a port is a number from 1 to 65535, or 0 for any free one"
	adviceIPv6 = "write an IPv6 address in brackets: http://[::1]:5000/"
)

// wrong makes a problem; Parse adds the text.
func wrong(advice, reason string, args ...any) *ParseError {
	return &ParseError{Reason: fmt.Sprintf(reason, args...), Advice: advice}
}

// Parse reads a prefix (reference: servers.md, 4.2). Scheme and host become lower case, the port is 80 or 443 without one, and
// the path gets the slash at its end. Port 0 is taken: whether it may be replaced is for the caller to know. Every error is a
// *ParseError.
//
// It differs from UrlPrefix.Create, which leaves most to the system: what HTTP.sys would refuse (a query, punycode, a host that is none)
// is an error at once, and so is a path that no request can have (dot segments, empty ones). 0.0.0.0 and [::] are "*": HTTP.sys takes
// them for addresses of the machine, which they never are, and so answers 400 to everybody.
func Parse(text string) (Prefix, error) {
	p, problem := parse(text)
	if problem != nil {
		problem.Text = text
		return Prefix{}, problem
	}
	return p, nil
}

func parse(text string) (p Prefix, problem *ParseError) {
	if problem := checkText(text); problem != nil {
		return p, problem
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return p, wrong(adviceForm, "there is no scheme")
	}
	p.Scheme = strings.ToLower(scheme)
	if p.Scheme != "http" && p.Scheme != "https" {
		return p, wrong("begin with http:// or https://", "the scheme %q is neither http nor https", scheme)
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	host, port, hasPort, problem := splitPort(authority)
	if problem != nil {
		return p, problem
	}
	if p.Host, problem = parseHost(host); problem != nil {
		return p, problem
	}
	if p.Port, problem = parsePort(p.Scheme, port, hasPort); problem != nil {
		return p, problem
	}
	p.Path, problem = parsePath(path)
	return p, problem
}

func checkText(s string) *ParseError {
	switch {
	case strings.TrimSpace(s) == "":
		return wrong(adviceForm, "it is empty")
	case s != strings.TrimSpace(s):
		return wrong("remove it", "it begins or ends with a blank")
	case !utf8.ValidString(s):
		return wrong("", "it is not valid UTF-8")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return wrong("write %20 for a blank in a path", "there is a blank or a control character in it")
	case strings.Contains(s, ";") && strings.Count(s, "://") > 1:
		return wrong("give one, or separate several by ; where a list is taken", "it is more than one")
	}
	return nil
}

// splitPort takes host:port apart. A host keeps its brackets.
func splitPort(authority string) (host, port string, hasPort bool, problem *ParseError) {
	switch {
	case strings.Contains(authority, "@"):
		return "", "", false, wrong(adviceForm, "a prefix has no user name")
	case !strings.HasPrefix(authority, "["):
		host, port, hasPort = strings.Cut(authority, ":")
		if strings.Contains(port, ":") {
			return "", "", false, wrong(adviceIPv6, "there is more than one colon after the scheme")
		}
		return host, port, hasPort, nil
	}
	end := strings.IndexByte(authority, ']')
	if end < 0 {
		return "", "", false, wrong(adviceIPv6, "the bracket is not closed")
	}
	host, after := authority[:end+1], authority[end+1:]
	if after != "" && after[0] != ':' {
		return "", "", false, wrong(adviceIPv6, "%q follows the bracket", after)
	}
	return host, strings.TrimPrefix(after, ":"), after != "", nil
}

func parseHost(host string) (string, *ParseError) {
	if host == "" {
		return "", wrong("write localhost, a name, an address, + for every host, or * for those that nobody else has", "it has no host")
	}
	if host == "+" || host == "*" {
		return host, nil
	}
	if inside, found := strings.CutPrefix(host, "["); found {
		return parseIPv6(strings.TrimSuffix(inside, "]"))
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return address(ip), nil
	}
	return parseName(strings.ToLower(host))
}

func parseIPv6(text string) (string, *ParseError) {
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil || !ip.Is6():
		return "", wrong(adviceIPv6, "[%s] is not an IPv6 address", text)
	case ip.Zone() != "":
		return "", wrong("write * for every address", "an address with a zone cannot be registered")
	}
	return address(ip.Unmap()), nil
}

func address(ip netip.Addr) string {
	if ip.IsUnspecified() {
		return "*"
	}
	return ip.String()
}

// parseName checks a name in lower case.
func parseName(name string) (string, *ParseError) {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	for _, label := range labels {
		switch {
		case strings.HasPrefix(label, "xn--"):
			return "", wrong("write the name itself, as in http://bücher.example/", "%q is punycode, which HTTP.sys does not take", label)
		case !isLabel(label):
			return "", wrong("", "%q is not a host name", name)
		case len(label) > 4*maxLabel || len(asciiLabel(label)) > maxLabel:
			return "", wrong("", "one of its labels has more than %d bytes", maxLabel)
		}
	}
	if len(asciiName(name)) > maxHost {
		return "", wrong("", "its host has more than %d bytes", maxHost)
	}
	// The system's resolvers read 127.1 or 0x7f000001 as an IPv4 address.
	if last := labels[len(labels)-1]; isDigits(last) || strings.HasPrefix(last, "0x") {
		return "", wrong("an IPv4 address has four numbers from 0 to 255", "%s is not an IPv4 address", name)
	}
	return name, nil
}

// isLabel takes letters of every language.
func isLabel(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.N, unicode.M) && r != '-' && r != '_' {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func parsePort(scheme, s string, given bool) (uint16, *ParseError) {
	switch {
	case !given && scheme == "https":
		return 443, nil
	case !given:
		return 80, nil
	case s == "":
		return 0, wrong(advicePort, "there is no port after the colon")
	case !isDigits(s):
		return 0, wrong(advicePort, "the port %q is not a number", s)
	case len(s) > 1 && s[0] == '0':
		return 0, wrong(advicePort, "the port %s begins with a zero", s)
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, wrong(advicePort, "the port %s is above 65535", s)
	}
	return uint16(n), nil
}

func parsePath(path string) (string, *ParseError) {
	switch {
	case strings.ContainsAny(path, "?#"):
		return "", wrong("leave out what follows ? or #", "a prefix has no query and no fragment")
	case strings.Contains(path, `\`):
		return "", wrong("write /", "there is a backslash in its path")
	case !escapesAreWhole(path):
		return "", wrong("write %25 for a percent sign", "there is a percent sign in its path that no two hex digits follow")
	}
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	f := folded(path)
	switch {
	case len(f) > maxPath:
		return "", wrong("", "its path has more than %d bytes", maxPath)
	case strings.Contains(f, "//"):
		return "", wrong("write one slash", "there is an empty segment in its path")
	case strings.Contains(f, "/./") || strings.Contains(f, "/../"):
		return "", wrong("write the path without them", "there is a dot segment in its path")
	}
	return path, nil
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
