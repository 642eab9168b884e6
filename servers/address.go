package servers

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// AddressError says why Run does not listen on one of its addresses.
type AddressError struct {
	URL    string // as it was given
	Source string // where it is from, such as ASPNETCORE_URLS or WithURLs
	Err    error  // an *endpoint.ParseError, or what the system says, such as syscall.EADDRINUSE
}

func (e *AddressError) Error() string {
	if _, ok := errors.AsType[*endpoint.ParseError](e.Err); ok { // which has the URL in it
		return fmt.Sprintf("%s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("cannot listen on %s (%s): %v", e.URL, e.Source, e.Err)
}

// Unwrap gives Err.
func (e *AddressError) Unwrap() error { return e.Err }

// Hint says what to do, "" when nothing is known.
func (e *AddressError) Hint() string {
	if hinter, ok := errors.AsType[interface {
		error
		Hint() string
	}](e.Err); ok {
		return hinter.Hint()
	}
	switch {
	case isInUse(e.Err) && e.Source == byDefault:
		return "stop the program that listens there, or set ASPNETCORE_URLS to another address"
	case isInUse(e.Err):
		return fmt.Sprintf("stop the program that listens there, or choose another port in %s", e.Source)
	case errors.Is(e.Err, fs.ErrPermission):
		return "choose a port from 1024 up, or a folder that this user can write to"
	}
	return ""
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
			return list, check(list, err)
		}
	}
	return nil, nil
}

func (o *options) fromVariable(name string) ([]Endpoint, error) {
	list, err := parse(name, o.process.getenv(name))
	for _, ports := range []string{"HTTP_PORTS", "HTTPS_PORTS"} {
		if variable, value := o.portVariable(ports); value != "" && len(list) > 0 {
			o.log().Warn("addresses override ports", "used", name, "overridden", variable, "value", value)
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
	variable, ports := o.portVariable(name)
	return parse(variable, onEveryInterface(scheme, ports))
}

// portVariable finds the variable that sets HTTP_PORTS or HTTPS_PORTS.
func (o *options) portVariable(name string) (variable, value string) {
	for _, prefix := range []string{"ASPNETCORE_", "DOTNET_", ""} {
		if value := o.process.getenv(prefix + name); value != "" {
			return prefix + name, value
		}
	}
	return "", ""
}

func (o *options) fromPort() ([]Endpoint, error) {
	return parse("PORT", onEveryInterface("http", o.process.getenv("PORT")))
}

// onEveryInterface turns a list of ports into a list of URLs.
func onEveryInterface(scheme, ports string) string {
	var urls []string
	for port := range strings.SplitSeq(ports, ";") {
		if port = strings.TrimSpace(port); port != "" {
			urls = append(urls, scheme+"://*:"+port)
		}
	}
	return strings.Join(urls, ";")
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

// check adds the addresses that no server of ours serves to the problems.
func check(list []Endpoint, problems error) error {
	errs := []error{problems}
	for _, e := range list {
		if why := refuse(e.Endpoint); why != nil {
			errs = append(errs, &AddressError{URL: e.String(), Source: e.Source, Err: why})
		}
	}
	return errors.Join(errs...)
}

// refuse gives why this server does not serve e, nil when it does. Kestrel refuses a path base as well.
func refuse(e endpoint.Endpoint) error {
	if e.Path != "" {
		return &unsupported{"an address to listen on has no path", "leave the path out, and use http.StripPrefix in the app"}
	}
	return nil
}
