package servers

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// AddressError says why Run does not listen on one of its addresses. Where the address is in use, and the system tells by whom
// (Linux does), its text has the process.
type AddressError struct {
	URL    string // as it was given
	Source string // where it is from, such as ASPNETCORE_URLS or WithURLs
	Err    error  // an *endpoint.ParseError, or what matches what the system says, such as syscall.EADDRINUSE
}

func (e *AddressError) Error() string {
	_, isURL := errors.AsType[*endpoint.ParseError](e.Err)
	_, isPort := errors.AsType[*portError](e.Err)
	if isURL || isPort { // which have the text in them
		return fmt.Sprintf("%s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("cannot listen on %s (%s): %v", e.URL, e.Source, e.Err)
}

// Unwrap gives Err.
func (e *AddressError) Unwrap() error { return e.Err }

// Hint says what to do, "" when nothing is known.
func (e *AddressError) Hint() string {
	problem, ok := errors.AsType[*bindError](e.Err)
	switch {
	case !ok:
		return hintOf(e.Err)
	case e.Source == byDefault && problem.choose != "":
		return problem.todo + ", or set ASPNETCORE_URLS to another address"
	}
	return problem.hint(" in " + e.Source)
}

// isInUse reports whether err says that somebody else has the address. Windows has an error number of its own for it.
func isInUse(err error) bool {
	const wsaAddrInUse = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, wsaAddrInUse)
}

// isRefused reports whether err says that nobody listens there.
func isRefused(err error) bool {
	const wsaConnRefused = syscall.Errno(10061)
	return errors.Is(err, syscall.ECONNREFUSED) || runtime.GOOS == "windows" && errors.Is(err, wsaConnRefused)
}

// unsupported is an address that can be read but not served.
type unsupported struct{ reason, hint string }

func (e *unsupported) Error() string { return e.reason }
func (e *unsupported) Hint() string  { return e.hint }

// byDefault is the source of the address that is taken when nothing names one.
const byDefault = "the default"

// fromURLs reads the addresses. The first source that names any is the only one that counts.
func (o *options) fromURLs() ([]Endpoint, error) {
	sources := []func() ([]Endpoint, error){
		func() ([]Endpoint, error) { return parse("WithURLs", strings.Join(o.urls, ";")) },
		func() ([]Endpoint, error) { return o.fromVariable("ASPNETCORE_URLS") },
		func() ([]Endpoint, error) { return o.fromVariable("DOTNET_URLS") },
		o.fromPorts,
		o.fromPort,
	}
	for _, source := range sources {
		if list, err := source(); len(list) > 0 || err != nil {
			return list, o.check(list, err)
		}
	}
	return nil, nil
}

func (o *options) fromVariable(name string) ([]Endpoint, error) {
	list, err := parse(name, o.process.getenv(name))
	for _, ports := range []string{"HTTP_PORTS", "HTTPS_PORTS"} {
		if v := o.portVariable(ports); v.value != "" && len(list) > 0 {
			o.log().Warn("addresses override ports", "used", name, "overridden", v.name, "value", v.value)
		}
	}
	return list, err
}

// fromPorts reads HTTP_PORTS and HTTPS_PORTS, which go together.
func (o *options) fromPorts() ([]Endpoint, error) {
	plain, err := o.portList("http", "HTTP_PORTS")
	secure, err2 := o.portList("https", "HTTPS_PORTS")
	return append(plain, secure...), errors.Join(err, err2)
}

func (o *options) portList(scheme, name string) ([]Endpoint, error) {
	return onEveryInterface(scheme, o.portVariable(name))
}

// variable is one of the environment's.
type variable struct{ name, value string }

// portVariable finds the variable that sets HTTP_PORTS or HTTPS_PORTS. The zero variable is none.
func (o *options) portVariable(name string) variable {
	for _, prefix := range []string{"ASPNETCORE_", "DOTNET_", ""} {
		if value := o.process.getenv(prefix + name); value != "" {
			return variable{prefix + name, value}
		}
	}
	return variable{}
}

func (o *options) fromPort() ([]Endpoint, error) {
	return onEveryInterface("http", variable{"PORT", o.process.getenv("PORT")})
}

// onEveryInterface reads a list of ports.
func onEveryInterface(scheme string, ports variable) ([]Endpoint, error) {
	var urls []string
	var errs []error
	for port := range strings.SplitSeq(ports.value, ";") {
		port = strings.TrimSpace(port)
		_, err := strconv.ParseUint(port, 10, 16)
		switch {
		case port == "":
		case err != nil:
			errs = append(errs, &AddressError{URL: port, Source: ports.name, Err: &portError{port}})
		default:
			urls = append(urls, scheme+"://*:"+port)
		}
	}
	list, err := parse(ports.name, strings.Join(urls, ";"))
	return list, errors.Join(append(errs, err)...)
}

// portError is a text where a port should be.
type portError struct{ text string }

func (e *portError) Error() string { return fmt.Sprintf("%q is not a port", e.text) }
func (*portError) Hint() string {
	return "a port is a number from 0 (any free port) to 65535; several are separated by ;"
}

// parse reads a list of URLs from one source. An address that is there twice is taken once.
func parse(source, urls string) ([]Endpoint, error) {
	var list []Endpoint
	var errs []error
	for url := range strings.SplitSeq(urls, ";") {
		if url = strings.TrimSpace(url); url == "" {
			continue
		}
		e, err := endpoint.Parse(url)
		if err != nil {
			errs = append(errs, &AddressError{URL: url, Source: source, Err: err})
		} else if !slices.ContainsFunc(list, func(other Endpoint) bool { return other.Endpoint == e }) {
			list = append(list, Endpoint{Endpoint: e, Source: source})
		}
	}
	return list, errors.Join(errs...)
}

// check adds the addresses that the server does not serve to the problems.
func (o *options) check(list []Endpoint, problems error) error {
	errs := []error{problems}
	for _, e := range list {
		if why := o.refuse(e); why != nil {
			errs = append(errs, &AddressError{URL: e.String(), Source: e.Source, Err: why})
		}
	}
	return errors.Join(errs...)
}

// refuse gives why the server does not serve e, nil when it does. Kestrel refuses a path base as well, and HTTP.sys does not.
func (o *options) refuse(e Endpoint) error {
	http3 := e.Protocols != 0 && e.Protocols.Has(endpoint.HTTP3)
	switch {
	case e.Path != "" && o.shares == nil:
		return &unsupported{"an address to listen on has no path", "leave the path out, and use http.StripPrefix in the app"}
	case e.Scheme != "https" && e.TLS != nil:
		return &unsupported{"the endpoint has TLS, and the address is not https", "write https, or leave TLS out"}
	case e.Scheme != "https" && http3:
		return &unsupported{"HTTP/3 needs https", "write https, or choose endpoint.HTTP1AndHTTP2"}
	case e.Unix != "" && http3:
		return &unsupported{"HTTP/3 cannot be spoken over a unix socket", "choose endpoint.HTTP1AndHTTP2"}
	case e.Protocols&^endpoint.HTTP1AndHTTP2AndHTTP3 != 0:
		return &unsupported{"its Protocols have a bit that is no version of HTTP", "add endpoint.HTTP1, HTTP2 and HTTP3 by |"}
	}
	return nil
}
