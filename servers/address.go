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

// address is an endpoint, and where it was asked for.
type address struct {
	endpoint.Endpoint
	source string
}

// byDefault is the source of the address that is taken when nothing names one.
const byDefault = "the default"

// addresses decides where to listen. The first source that names any address is the only one that counts.
func (o options) addresses() ([]address, error) {
	sources := []func() ([]address, error){
		func() ([]address, error) { return parse("WithURLs", strings.Join(o.urls, ";")) },
		func() ([]address, error) { return o.fromURLs("ASPNETCORE_URLS") },
		func() ([]address, error) { return o.fromURLs("DOTNET_URLS") },
		o.fromPorts,
		o.fromPort,
	}
	for _, source := range sources {
		if list, err := source(); len(list) > 0 || err != nil {
			return check(list, err)
		}
	}
	return parse(byDefault, "http://localhost:5000")
}

func (o options) fromURLs(name string) ([]address, error) { return parse(name, o.getenv(name)) }

// fromPorts reads HTTP_PORTS and HTTPS_PORTS, which go together.
func (o options) fromPorts() ([]address, error) {
	plain, err := o.portList("http", "HTTP_PORTS")
	secure, err2 := o.portList("https", "HTTPS_PORTS")
	return append(plain, secure...), errors.Join(err, err2)
}

func (o options) portList(scheme, name string) ([]address, error) {
	for _, prefix := range []string{"ASPNETCORE_", "DOTNET_", ""} {
		if ports := o.getenv(prefix + name); ports != "" {
			return parse(prefix+name, onEveryInterface(scheme, ports))
		}
	}
	return nil, nil
}

func (o options) fromPort() ([]address, error) {
	return parse("PORT", onEveryInterface("http", o.getenv("PORT")))
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
func parse(source, urls string) ([]address, error) {
	var list []address
	var errs []error
	for url := range strings.SplitSeq(urls, ";") {
		if url = strings.TrimSpace(url); url == "" {
			continue
		}
		e, err := endpoint.Parse(url)
		if err != nil {
			errs = append(errs, &AddressError{URL: url, Source: source, Err: err})
		} else if a := (address{e, source}); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list, errors.Join(errs...)
}

// check adds the addresses that this server cannot serve to the problems.
func check(list []address, problems error) ([]address, error) {
	errs := []error{problems}
	for _, a := range list {
		if why := refuse(a.Endpoint); why != nil {
			errs = append(errs, &AddressError{URL: a.String(), Source: a.source, Err: why})
		}
	}
	return list, errors.Join(errs...)
}

// refuse gives why this server does not serve e, nil when it does. Kestrel refuses a path base as well.
func refuse(e endpoint.Endpoint) error {
	if e.Path != "" {
		return &unsupported{"an address to listen on has no path", "leave the path out, and use http.StripPrefix in the app"}
	}
	return nil
}
