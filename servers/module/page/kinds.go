package page

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind is a kind of failure: a status, a sub-status and what they mean. Names and numbers are the reference's
// (servers.md, 1.5, 1.7 and 1.11), so that people find what others have written about them.
type Kind int

const (
	Internal          Kind = iota // 500.0: gorun itself has failed
	InProcessLoad                 // 500.0: the settings cannot be used, or the program is not there, in-process
	OutOfProcessLoad              // 500.0: the settings cannot be used, out-of-process
	InProcessStart                // 500.30: the program ended before it took requests, in-process
	MissingDependency             // 500.31: an interpreter or a library that the program needs is not there
	WrongArchitecture             // 500.32: the program is for another processor or system
	InProcessTimeout              // 500.37: the program took no requests within startupTimeLimit, in-process
	BadGateway                    // 502.3: the program runs, but the request could not be passed on or was not answered
	RequestTimeout                // 502.3: the program has not answered within requestTimeout
	OutOfProcessStart             // 502.5: the program ended before it listened or never listened, out-of-process
	Stopping                      // 503: the front is stopping, or the program is being replaced
	RapidFails                    // 503: the program has failed more often than rapidFailsPerMinute; the reference shows its 502.5 page then (1.5)
)

// facts are what is known of a Kind.
type facts struct {
	status, sub int
	title       string // the reference's
	heading     string // * stands for the program
	reason      string
	advice      func(Failure) []string
	retryAfter  time.Duration
	reloads     bool // asking again helps as soon as the program is there
}

var kinds = [...]facts{
	Internal: {status: 500, title: "Internal Server Error",
		heading: "gorun could not serve this request",
		reason:  "Something went wrong in gorun itself.",
		advice:  adviseInternal},
	InProcessLoad: {status: 500, title: "ANCM In-Process Handler Load Failure",
		heading: "* cannot be started as the settings say",
		reason:  "A setting cannot be used, or the program that it names is not there.",
		advice:  adviseSettings, reloads: true},
	OutOfProcessLoad: {status: 500, title: "ANCM Out-Of-Process Handler Load Failure",
		heading: "* cannot be started as the settings say",
		reason:  "A setting cannot be used.",
		advice:  adviseSettings, reloads: true},
	InProcessStart: {status: 500, sub: 30, title: "ANCM In-Process Start Failure",
		heading: "* did not start",
		reason:  "The program was started, and ended before it took requests.",
		advice:  adviseStart, reloads: true},
	MissingDependency: {status: 500, sub: 31, title: "ANCM Failed to Find Native Dependencies",
		heading: "* needs something that is not installed here",
		reason:  "The system could not start the program, because an interpreter or a library that it needs was not found.",
		advice:  adviseDependency, reloads: true},
	WrongArchitecture: {status: 500, sub: 32, title: "ANCM Failed to Load dll",
		heading: "* is for another kind of machine",
		reason:  "The system could not start the program, because it was built for another processor or system, or is no program.",
		advice:  adviseArchitecture, reloads: true},
	InProcessTimeout: {status: 500, sub: 37, title: "ANCM Failed to Start Within Startup Time Limit",
		heading: "* was not ready in time",
		reason:  "The program was started, and took no requests within startupTimeLimit.",
		advice:  adviseInProcessTimeout, reloads: true},
	BadGateway: {status: 502, sub: 3, title: "Bad Gateway",
		heading: "* did not answer",
		reason:  "The program was started, but it did not take the request, broke the connection, or answered with something that is not HTTP.",
		advice:  adviseGateway},
	RequestTimeout: {status: 502, sub: 3, title: "Bad Gateway",
		heading: "* did not answer in time",
		reason:  "The program runs and has taken the request, but has not answered within requestTimeout.",
		advice:  adviseRequestTimeout},
	OutOfProcessStart: {status: 502, sub: 5, title: "ANCM Out-Of-Process Startup Failure",
		heading: "* did not start listening",
		reason:  "The program could not be started, ended before it listened, or did not listen on the port that it was given.",
		advice:  adviseListen, reloads: true},
	Stopping: {status: 503, title: "Service Unavailable",
		heading: "* is stopping",
		reason:  "The program is being stopped or replaced, and takes no new requests.",
		advice:  adviseStopping, retryAfter: 2 * time.Second, reloads: true},
	RapidFails: {status: 503, title: "Service Unavailable",
		heading: "* has failed too often",
		reason:  "The program has ended unexpectedly more often than rapidFailsPerMinute allows, so it is not started again for now.",
		advice:  adviseRapidFails, retryAfter: time.Minute, reloads: true},
}

// facts of a Kind that does not exist are those of Internal.
func (k Kind) facts() facts {
	if k < 0 || int(k) >= len(kinds) {
		k = Internal
	}
	return kinds[k]
}

// Status is the status of the response: 500, 502 or 503.
func (k Kind) Status() int { return k.facts().status }

// SubStatus tells kinds of one status apart, for logs and pages; it is not sent on the wire. 0 is one, too.
func (k Kind) SubStatus() int { return k.facts().sub }

// Title is the reference's name, such as "ANCM Out-Of-Process Startup Failure".
func (k Kind) Title() string { return k.facts().title }

// Reason says in a sentence what the kind means.
func (k Kind) Reason() string { return k.facts().reason }

// Reloads reports whether a page that shows the failure asks again by itself: the program may be there later. Where the
// program was there and failed to answer one request, sending that again by itself could do harm.
func (k Kind) Reloads() bool { return k.facts().reloads }

// String gives the number that people look for: "502.5", and "503" without a sub-status.
func (k Kind) String() string {
	f := k.facts()
	if f.status == http.StatusServiceUnavailable {
		return strconv.Itoa(f.status)
	}
	return strconv.Itoa(f.status) + "." + strconv.Itoa(f.sub)
}

// Name is the line that stands in the reference's pages: "HTTP Error 502.5 - ANCM Out-Of-Process Startup Failure".
func (k Kind) Name() string { return "HTTP Error " + k.String() + " - " + k.Title() }

// heading says it in a sentence with the program's name.
func (k Kind) heading(program string) string { return named(k.facts().heading, program) }

// named is a sentence in which * stands for the program.
func named(sentence, program string) string {
	name := "The program"
	if program != "" {
		name += " " + program
	}
	return strings.Replace(sentence, "*", name, 1)
}
