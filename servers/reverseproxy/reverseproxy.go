// Package reverseproxy puts a real nginx or a real Apache httpd in front of an app, as a developer's machine needs it:
// it writes a small configuration into a folder of its own, runs the program from there without any right of root,
// reloads it when the app moves to another address, and leaves nothing behind.
//
// Config is a value and Config.Text a pure function, for "gorun plan --show-config"; Find looks for an installed
// program; Start runs it. The package neither starts the app nor knows how it is paired: to the app the front is a
// proxy like any other, and its own server is Kestrel.
//
// nginx from 1.15.3 and Apache from 2.4.47 on are understood, on Linux and macOS. A Front may be used from several
// goroutines; the type lists its own.
package reverseproxy

import (
	"crypto/tls"
	"net/netip"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// Kind says which program is the front.
type Kind string

// The fronts that there are, by the names that "server" has in a profile's "gorun" object.
const (
	Nginx  Kind = "nginx"
	Apache Kind = "apache"
)

const (
	// DefaultMaxBody is how many bytes a request's body may have: what IIS allows (reference: servers.md, 2.1).
	DefaultMaxBody = 30_000_000

	// DefaultTimeout is how long an app may keep silent. It is long because an app in development stands at
	// breakpoints, and a WebSocket may have nothing to say; 60 seconds, as the programs have it, cuts both.
	DefaultTimeout = time.Hour
)

// Public is one address that clients use.
type Public struct {
	endpoint.Endpoint                  // without a path base; port 0 only for Start, which picks one
	Certificate       *tls.Certificate // for https, with its private key; nil for http
}

// Config says what a front is to do.
type Config struct {
	Program Program           // as Find gives it
	Public  []Public          // at least one
	App     endpoint.Endpoint // where the app listens: http://127.0.0.1:5001, or http://unix:/path
	MaxBody int64             // bytes of a request's body; 0 is DefaultMaxBody, less is without a limit
	Timeout time.Duration     // see DefaultTimeout, which 0 is; rounded up to seconds

	// IPv4Only leaves out what a machine without IPv6 cannot bind: localhost is 127.0.0.1 alone, a wildcard 0.0.0.0.
	// Start sets it on such a machine.
	IPv4Only bool
}

// Text gives the configuration file. The names in it are relative to the folder that it stands in, where the
// certificates have the number of their endpoint: 2.crt and 2.key for the second of Public. It is meaningful when
// Check finds nothing.
func (c Config) Text() string { return dialects[c.Program.Kind].text(c) }

// Check finds what the front cannot do: an *EndpointError, or an *UnknownKindError.
func (c Config) Check() error {
	if _, known := dialects[c.Program.Kind]; !known {
		return &UnknownKindError{c.Program.Kind}
	}
	if len(c.Public) == 0 {
		return &EndpointError{Kind: c.Program.Kind, Reason: "no address to listen on was given"}
	}
	if reason := badApp(c.App); reason != "" {
		return &EndpointError{c.Program.Kind, c.App, reason}
	}
	for _, p := range c.Public {
		if reason := c.badPublic(p.Endpoint); reason != "" {
			return &EndpointError{c.Program.Kind, p.Endpoint, reason}
		}
	}
	return c.checkClashes()
}

func badApp(app endpoint.Endpoint) string {
	switch {
	case app.Scheme != "http":
		return "an app is reached by plain http"
	case app.Path != "":
		return "the app's address cannot have a path"
	case unsafeText(app.Unix):
		return "the path of the socket has a character that cannot stand in a configuration file"
	case app.Unix == "" && (app.Port == 0 || app.IsWildcard()):
		return "the app's address must be an IP address, or localhost, with a port"
	}
	return ""
}

func (c Config) badPublic(e endpoint.Endpoint) string {
	switch {
	case e.Scheme != "http" && e.Scheme != "https":
		return "only http and https have a front"
	case e.Path != "":
		return "a front serves all paths: a path base is not possible"
	case e.Unix != "" && c.Program.Kind == Apache:
		return "Apache cannot listen on a unix socket"
	case unsafeText(e.Unix):
		return "the path of the socket has a character that cannot stand in a configuration file"
	case e.Unix == "" && e.Addrs()[0].Addr().Zone() != "":
		return "an address with a zone is not possible"
	}
	return ""
}

// unsafeText reports characters that the files have no way to write, in either syntax.
func unsafeText(path string) bool {
	for _, r := range path {
		if r < ' ' || r == '"' || r == '\\' || r == '$' || r == '%' || r == '|' {
			return true
		}
	}
	return false
}

// appAddr is where the app listens, for a TCP address.
func (c Config) appAddr() netip.AddrPort { return c.App.Addrs()[0] }

func (c Config) maxBody() int64 {
	if c.MaxBody == 0 {
		return DefaultMaxBody
	}
	return max(c.MaxBody, 0) // 0 is without a limit in both files
}

// seconds is the Timeout as the files want it.
func (c Config) seconds() int64 {
	limit := c.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	return int64((limit + time.Second - 1) / time.Second)
}
