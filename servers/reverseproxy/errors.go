package reverseproxy

import (
	"fmt"
	"strings"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// label is how the front is called in messages.
func (k Kind) label() string {
	if k == Apache {
		return "Apache"
	}
	return string(k)
}

// UnknownKindError is a Kind that is none.
type UnknownKindError struct{ Kind Kind }

func (e *UnknownKindError) Error() string { return fmt.Sprintf("there is no front %q", string(e.Kind)) }

// Hint says which there are.
func (e *UnknownKindError) Hint() string { return "choose nginx or apache" }

// NotInstalledError is a front that this machine does not have.
type NotInstalledError struct {
	Kind    Kind
	Windows bool // it cannot be run on Windows, installed or not
}

func (e *NotInstalledError) Error() string {
	if e.Windows {
		return e.Kind.label() + " as a front is not supported on Windows"
	}
	return e.Kind.label() + " is not installed"
}

// Hint names the packages.
func (e *NotInstalledError) Hint() string {
	switch {
	case e.Windows:
		return `choose "server": "module", or run gorun in WSL`
	case e.Kind == Apache:
		return "install it: apt install apache2, dnf install httpd mod_ssl mod_http2, " +
			"apk add apache2 apache2-proxy apache2-ssl apache2-http2, brew install httpd"
	}
	return "install it: apt install nginx, dnf install nginx, apk add nginx, brew install nginx"
}

// EndpointError is an address that the front cannot have.
type EndpointError struct {
	Kind     Kind
	Endpoint endpoint.Endpoint // zero when it is that there is none
	Reason   string
}

func (e *EndpointError) Error() string {
	if e.Endpoint == (endpoint.Endpoint{}) {
		return fmt.Sprintf("%s: %s", e.Kind, e.Reason)
	}
	return fmt.Sprintf("%s: %s: %s", e.Kind, e.Endpoint, e.Reason)
}

// CertificateError is a certificate that an https address cannot be served with.
type CertificateError struct {
	Endpoint endpoint.Endpoint
	Err      error
}

func (e *CertificateError) Error() string {
	return fmt.Sprintf("the certificate of %s cannot be used: %v", e.Endpoint, e.Err)
}

func (e *CertificateError) Unwrap() error { return e.Err }

// PortInUseError is a public address that somebody else listens on.
type PortInUseError struct {
	Endpoint endpoint.Endpoint
	Holder   sockets.Listener // PID and Program are zero where the system does not tell
}

func (e *PortInUseError) Error() string {
	if e.Endpoint.Unix != "" {
		return e.Endpoint.String() + " is already in use"
	}
	return fmt.Sprintf("port %d is already in use", e.Endpoint.Port)
}

// Details names the process that has it.
func (e *PortInUseError) Details() []string {
	where := e.Endpoint.Unix
	if where == "" {
		where = e.Holder.AddrPort.String()
	}
	switch {
	case e.Holder.PID == 0:
		return []string{"another process is listening on " + where}
	case e.Holder.Program == "":
		return []string{fmt.Sprintf("process %d is listening on %s", e.Holder.PID, where)}
	}
	return []string{fmt.Sprintf("process %d (%s) is listening on %s", e.Holder.PID, e.Holder.Program, where)}
}

// Hint says how to go on.
func (e *PortInUseError) Hint() string { return "stop that process, or choose another address" }

// ConfigError is a configuration that the program refuses. It is gorun's own mistake, or that of an old or
// incomplete program.
type ConfigError struct {
	Kind    Kind
	Path    string // of the file, which is gone
	Line    int    // from 1; 0 when the program does not tell
	Text    string // of the line
	Message string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("%s refuses its configuration: %s", e.Kind.label(), e.Message)
}

// Details shows the line.
func (e *ConfigError) Details() []string {
	if e.Line == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s:%d  %s", e.Path, e.Line, strings.TrimSpace(e.Text))}
}

// Hint says what is most often missing.
func (e *ConfigError) Hint() string {
	switch {
	case e.Kind == Apache && strings.HasPrefix(strings.TrimSpace(e.Text), "LoadModule"):
		packages := strings.TrimPrefix((&NotInstalledError{Kind: Apache}).Hint(), "install it: ")
		return "the module may be in a package of its own: " + packages
	case e.Kind == Apache:
		return "Apache 2.4.47 or a later one is needed"
	}
	return "nginx 1.15.3 or a later one is needed, with TLS, HTTP/2 and the usual modules"
}

// ExitError is a front that ended though nobody asked it to.
type ExitError struct {
	Kind   Kind
	Status process.Status
	Output []string // the last lines that it wrote, at most 30
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s has ended by itself: %s", e.Kind.label(), e.Status)
}

// Details is what it said.
func (e *ExitError) Details() []string { return e.Output }

// Hint says what to do about the commonest cause.
func (e *ExitError) Hint() string {
	for _, line := range e.Output {
		if strings.Contains(line, "ermission denied") && (strings.Contains(line, "bind") || strings.Contains(line, "make_sock")) {
			return "this user may not use the port: choose one from 1024 up"
		}
	}
	return ""
}

// DrainingError says that a Move is done, new requests go to the new address, but some that began before it do not
// come to an end: WebSockets, long downloads.
type DrainingError struct {
	Kind Kind
	PIDs []int // the front's processes that serve them
	Err  error // the cause of the context's end
}

func (e *DrainingError) Error() string {
	return fmt.Sprintf("%s still serves requests at the app's old address: %v", e.Kind.label(), e.Err)
}

func (e *DrainingError) Unwrap() error { return e.Err }
