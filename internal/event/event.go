// Package event holds the one value in which the parts that do something (build, start, stop) tell what happens.
// The terminal's story, the JSON lines of --events, DAP and the control API are all made from it.
//
// An event is told by calling an Emit function that was handed down. Emit may be called from several goroutines at
// once, and must not block for long: whoever passes it in sees to both. The package starts nothing and keeps nothing.
package event

import (
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// Version is the value of Event.Version. It grows when a field changes its meaning or goes away;
// new kinds and new fields do not change it.
const Version = 1

// Kind names what happened. docs/events.md says which fields each kind carries.
type Kind string

const (
	BuildWaiting   Kind = "build-waiting"   // Program, PID of the gorun that builds the same, 0 when it is not known
	BuildStarted   Kind = "build-started"   // Program, Reasons
	BuildDone      Kind = "build-done"      // Program, Path, Duration, Text
	BuildFailed    Kind = "build-failed"    // Program, Diagnostics, Text, Duration
	ProcessStarted Kind = "process-started" // Program, PID
	EndpointReady  Kind = "endpoint-ready"  // Program, URL
	ProcessReady   Kind = "process-ready"   // Program, PID, Duration: behind a front, it may be given requests
	StartFailed    Kind = "start-failed"    // Program, Reasons, Text: behind a front, it did not get ready
	Restarting     Kind = "restarting"      // Program, PID, Reasons: behind a front, the next request starts another process
	Recycling      Kind = "recycling"       // Program, Reasons: behind a front, new requests go to a new process
	Offline        Kind = "app-offline"     // Program, Path: behind a front, app_offline.htm is there
	Online         Kind = "app-online"      // Program: it is gone
	BrowserOpened  Kind = "browser-opened"  // URL
	Warned         Kind = "warning"         // Diagnostics
	Stopping       Kind = "stopping"        // Program, Signal: it was asked to stop
	Killing        Kind = "killing"         // Program: what is left of its tree is killed
	ProcessExited  Kind = "process-exited"  // Program, PID, ExitCode, Signal, Duration
)

// Event is one thing that happened. Fields that do not belong to its Kind are zero.
type Event struct {
	Version     int                     `json:"v"`
	Time        time.Time               `json:"time"`
	Kind        Kind                    `json:"event"`
	Program     string                  `json:"program,omitempty"` // the program's short name, such as "api"
	PID         int                     `json:"pid,omitempty"`
	URL         string                  `json:"url,omitempty"`
	Path        string                  `json:"path,omitempty"`       // absolute path of the binary
	Reasons     []string                `json:"reasons,omitempty"`    // why it is so, such as "/src/main.go changed"
	ExitCode    *int                    `json:"exitCode,omitempty"`   // as a shell would give it: 128+n after signal n
	Signal      string                  `json:"signal,omitempty"`     // such as "SIGTERM"
	Duration    float64                 `json:"durationMs,omitempty"` // milliseconds
	Diagnostics []diagnostic.Diagnostic `json:"diagnostics,omitempty"`
	Text        string                  `json:"text,omitempty"` // what the Go toolchain or the program printed, unchanged
}

// Emit tells of one event. A nil Emit is silent, see Tell.
type Emit func(Event)

// Tell stamps e with the version and, where it has none, the time, and passes it on.
// It does nothing when emit is nil.
func (emit Emit) Tell(e Event) {
	if emit == nil {
		return
	}
	e.Version = Version
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	emit(e)
}
