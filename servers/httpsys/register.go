package httpsys

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// defaultURL is what is registered when nothing is said.
const defaultURL = "http://localhost:5000"

// registration is a Listen with the prefix that it stands for.
type registration struct {
	Listen
	prefix urlprefix.Prefix // port 0 is replaced when it is registered
}

// registrations reads what is to be registered. The error joins a *RegistrationError for each that cannot be read.
func (s *Server) registrations() ([]registration, error) {
	listens := s.Listens
	if listens == nil {
		for _, url := range s.Options.UrlPrefixes {
			listens = append(listens, Listen{URL: url, Source: "UrlPrefixes"})
		}
	}
	if listens == nil && s.Options.RequestQueueMode != Attach {
		listens = []Listen{{URL: defaultURL, Source: "the default", Default: true}}
	}
	var list []registration
	var errs []error
	for _, l := range listens {
		prefix, err := prefixOf(l.URL)
		if err != nil {
			errs = append(errs, &RegistrationError{URL: l.URL, Source: l.Source, Err: err})
			continue
		}
		list = append(list, registration{l, prefix})
	}
	return list, errors.Join(errs...)
}

// forQueue gives what of list is registered for a queue that is new, or not.
func forQueue(list []registration, created bool) []registration {
	if created {
		return list
	}
	return slices.DeleteFunc(list, func(r registration) bool { return r.Default })
}

// prefixOf gives the prefix of a UrlPrefix or of an address.
func prefixOf(url string) (urlprefix.Prefix, error) {
	if strings.Contains(url, "://unix:/") {
		return urlprefix.Prefix{}, errUnix
	}
	return urlprefix.Parse(url)
}

// hinted is an error with something to do about it.
type hinted struct{ reason, hint string }

func (e *hinted) Error() string { return e.reason }
func (e *hinted) Hint() string  { return e.hint }

var errUnix = &hinted{"HTTP.sys has no unix sockets", "register a host and a port, or serve the address with kestrel"}

// address gives the URL as it was asked for, with the port that was registered.
func (r registration) address() string {
	e, err := endpoint.Parse(strings.TrimSuffix(r.URL, "/"))
	if err != nil {
		return strings.TrimSuffix(r.prefix.String(), "/")
	}
	return e.WithPort(r.prefix.Port).String()
}

// RegistrationError says why an address was not registered.
type RegistrationError struct {
	URL    string // as it was given
	Source string // of Listen
	// Err is a *urlprefix.ParseError, or what HTTP.sys or the broker says: then errors.Is finds ErrExists, ErrReserved and
	// ErrPort where they are the reason. It may have a Hint.
	Err error
}

// Why an address was not registered.
var (
	ErrExists   = errors.New("the prefix is registered already")
	ErrReserved = errors.New("the prefix is reserved for another user")
	ErrPort     = errors.New("the port cannot be opened")
)

func (e *RegistrationError) Error() string {
	if e.Source == "" {
		return fmt.Sprintf("cannot register %s: %v", e.URL, e.Err)
	}
	return fmt.Sprintf("cannot register %s (%s): %v", e.URL, e.Source, e.Err)
}

// Unwrap gives Err.
func (e *RegistrationError) Unwrap() error { return e.Err }

// Hint gives what Err advises, "" when that is nothing.
func (e *RegistrationError) Hint() string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](e.Err); ok {
		return h.Hint()
	}
	return ""
}

// portText is the number of a port.
func portText(port uint16) string { return strconv.Itoa(int(port)) }
