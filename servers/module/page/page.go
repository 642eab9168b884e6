// Package page is what a client gets when the module has no program to answer for it: the status and sub-status of the
// ASP.NET Core Module, what was tried, how it ended, which setting is concerned and what to do next. A Failure is a value;
// it is rendered as HTML for browsers, as JSON (RFC 9457) for who asks for it, and as plain text for everybody else.
//
// The package starts nothing, keeps nothing and reads neither environment nor files: its caller says what is known and what
// must not be shown. Values may be used by several goroutines at once as long as nobody changes them.
//
// Sub-statuses of the reference (servers.md, 1.11) that have no Kind, because they cannot exist here:
//
//   - 500.33 and 500.36, a request handler's library is missing: both hostings are part of gorun itself. An in-process app
//     that never takes the listeners is 500.37.
//   - 500.34 and 500.35, two applications that cannot share a worker process: a front has one application, and each
//     application has processes of its own.
//   - 500.38, the application's library is not found in a single-file app: a Go program is one file.
//   - 400 for a client that has gone: nobody is left to read a page.
package page

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure is one failure to answer, with all that its page tells. The zero Failure is a page without details of Kind Internal.
//
// Whatever comes from outside (Command, Attempts, Settings, Advice, Cause, Output, Signal) is shown without what is in
// Redact, without escape sequences and control characters, and escaped for its form.
type Failure struct {
	Kind    Kind
	Program string // the program's short name, such as "api"; "" is left out

	Command  []string  // what was started: the program and its arguments; nil when it never came to that
	Attempts []Attempt // in their order
	Missing  bool      // there was nothing to start: the program does not build, or cannot be found
	ExitCode *int      // of the last attempt; nil when the program has not exited by itself
	Signal   string    // what has ended it, such as "SIGKILL"; "" when none did

	Settings []Setting // those that are concerned
	Advice   []string  // what to do, before the advice that the Kind has; `like this` is code

	// Detailed shows Cause and Output, which may tell a stranger too much: see the function Detailed.
	Detailed bool
	Cause    string // more about why, such as a compiler's errors or the library that is missing; may have several lines
	Output   string // what the program has written, in the order in which it came; its last 30 lines are shown

	// Short leaves only the status and its name, as disableStartUpErrorPage does. A program that did not start out-of-process is
	// then 502.3, not 502.5 (reference: servers.md, 1.7 and Q5).
	Short bool

	Link       string        // ANCM_ADDITIONAL_ERROR_PAGE_LINK: where to read more; "" for none. Shown as it is, whatever Redact has
	Redact     []string      // what must not be shown: the token, the values of variables (see Values)
	RetryAfter time.Duration // with 503: when to ask again, rounded up to seconds; 0 for the Kind's own
}

// Attempt is one start of the program.
type Attempt struct {
	Port     uint16 // where it should have listened; 0 when it was given no port
	Duration time.Duration
	Err      string // why it failed, on one line, such as "it ended before it listened"; shown to everybody
}

// Setting is a setting with what it says and where.
type Setting struct {
	Name  string `json:"name"`            // such as "startupTimeLimit"
	Value string `json:"value,omitempty"` // as it is written; "" is left out, as for a variable, whose value is nobody's business
	Place string `json:"place,omitempty"` // such as "web.config:7" or "default"
}

// ServeHTTP answers with the status and the page in the form that the request accepts. A HEAD request gets no body.
func (f Failure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := f.problem()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.FormatInt(f.retryAfter(), 10))
	}
	var body []byte
	switch accepted(r.Header.Values("Accept")) {
	case asHTML:
		body = writeHTML(h, p, r.Method == http.MethodGet && f.Kind.Reloads())
	case asJSON:
		body = writeJSON(h, p)
	default:
		body = writeText(h, p)
	}
	send(w, r, p.Status, body)
}

// retryAfter is in seconds, at least 1.
func (f Failure) retryAfter() int64 {
	d := f.RetryAfter
	if d <= 0 {
		d = f.Kind.facts().retryAfter
	}
	return max(1, int64((d+time.Second-1)/time.Second))
}

// kind is the one whose status is sent.
func (f Failure) kind() Kind {
	if f.Short && f.Kind == OutOfProcessStart {
		return BadGateway
	}
	return f.Kind
}

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // an error means that the client has gone
	}
}

// Detailed reports whether pages may show details: ASPNETCORE_DETAILEDERRORS is 1 or true, or ASPNETCORE_ENVIRONMENT or
// DOTNET_ENVIRONMENT is Development (reference: servers.md, 1.11 and S22). Upper and lower case are the same in names and
// values. environ has NAME=VALUE, as os.Environ gives it; the last of a name counts.
func Detailed(environ []string) bool {
	last := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		last[strings.ToUpper(name)] = strings.ToLower(value)
	}
	switch last["ASPNETCORE_DETAILEDERRORS"] {
	case "1", "true":
		return true
	}
	return last["ASPNETCORE_ENVIRONMENT"] == "development" || last["DOTNET_ENVIRONMENT"] == "development"
}
