// Package pairing is the app's side of the ASP.NET Core Module: what the environment says of the front that has started the
// app, and what has to be done with the requests that the front passes on (out-of-process), or that come on the sockets
// which the front has handed over (in-process). The names are the real module's, so that an app runs behind IIS, too
// (reference: servers.md, 1.3, 1.8 and 2).
//
// It starts no process, opens no socket and is not the front. A handler that Handler has made may be called by several
// goroutines at once.
package pairing

import (
	"fmt"
	"strconv"
	"strings"
)

// The variables by which a front tells the app about itself.
const (
	PortVariable       = "ASPNETCORE_PORT"
	PathVariable       = "ASPNETCORE_APPL_PATH"
	TokenVariable      = "ASPNETCORE_TOKEN"
	WebSocketsVariable = "ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED"
)

// The fields of requests that the front alone may send.
const (
	TokenHeader             = "MS-ASPNETCORE-TOKEN"
	EventHeader             = "MS-ASPNETCORE-EVENT"
	ClientCertificateHeader = "MS-ASPNETCORE-CLIENTCERT"
)

// Pairing is what a front has told.
type Pairing struct {
	Port       uint16 // on 127.0.0.1, where the front expects the app
	Path       string // the path base: "", or begins with / and does not end with one
	Token      string // the secret that every request of the front has
	WebSockets bool   // false when the front cannot pass them on
}

// Address is where the app listens: the front speaks to nobody else.
func (p Pairing) Address() string { return "http://127.0.0.1:" + strconv.Itoa(int(p.Port)) }

// Error says that a variable of the pairing cannot be meant.
type Error struct{ Variable, Value string }

func (e *Error) Error() string {
	return fmt.Sprintf("%s is %q, which is no port", e.Variable, e.Value)
}

// Hint says what to do.
func (e *Error) Hint() string {
	return "the module sets it to a number from 1025 to 48000; without the module do not set it"
}

// FromEnvironment reads the pairing. ok is false when one of the three variables that make one is not set or empty: then the
// app stands alone. The error is an *Error.
func FromEnvironment(getenv func(string) string) (p Pairing, ok bool, err error) {
	port, path, token := getenv(PortVariable), getenv(PathVariable), getenv(TokenVariable)
	if port == "" || path == "" || token == "" {
		return Pairing{}, false, nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(port), 10, 16)
	if err != nil || n == 0 {
		return Pairing{}, false, &Error{PortVariable, port}
	}
	return Pairing{uint16(n), PathFromEnvironment(getenv), token, !strings.EqualFold(getenv(WebSocketsVariable), "false")}, true, nil
}

// PathFromEnvironment gives the path base that a front has told, as Pairing.Path is. It is "" when none is set: in-process it
// is all that an app is told.
func PathFromEnvironment(getenv func(string) string) string {
	path := strings.TrimRight(getenv(PathVariable), "/")
	if path != "" && path[0] != '/' {
		path = "/" + path
	}
	return path
}
