// Package runs keeps one record for each host that gorun runs, in a folder of the user's own, so that `gorun ps`, a
// debugger or a script finds what runs now.
//
// A record is a JSON file and a lock beside it. The host holds the lock for as long as it lives, and the system drops it
// however the host ends: a record whose lock is free is stale, and whoever lists removes it. Process ids are not
// asked, since they are used again. The package does not watch, signal or start anything.
//
// All functions and methods may be called from several goroutines and processes at once.
package runs

import "time"

// Version is the value of Record.Version. It grows when a field changes its meaning or goes away; new fields do not
// change it.
const Version = 1

// State says how far a host is. Its values are the words used in JSON.
type State string

const (
	Building State = "building" // the program is not there yet
	Running  State = "running"  // the program was started, not all of its URLs answer
	Ready    State = "ready"    // all of its URLs answer, or it has none
	Stopping State = "stopping" // it was asked to end
)

// Record is what a host tells of itself. Fields that do not apply or are not known yet are zero. Paths are absolute.
type Record struct {
	Version       int       `json:"version"`
	ID            string    `json:"id"`                      // unique in the folder, such as "4312-k3xq7a"; Create makes it
	PID           int       `json:"pid"`                     // of gorun
	ProgramPID    int       `json:"programPid,omitempty"`    // of the program, once it was started
	Name          string    `json:"name"`                    // the program's short name, such as "api"
	Profile       string    `json:"profile,omitempty"`       // name of the profile, "" without one
	Settings      string    `json:"settings,omitempty"`      // the settings file that the profile is from
	Module        string    `json:"module,omitempty"`        // folder of the module
	Dir           string    `json:"dir,omitempty"`           // working directory of the program
	Binary        string    `json:"binary,omitempty"`        // the program's file
	Configuration string    `json:"configuration,omitempty"` // Debug or Release, "" when gorun did not build it
	Server        string    `json:"server,omitempty"`        // kestrel, httpsys, module or a registered name
	URLs          []string  `json:"urls,omitempty"`          // those that answer, in the order in which they were asked for
	State         State     `json:"state"`
	Started       time.Time `json:"started"`            // of the host; Create sets it when it is zero
	Terminal      bool      `json:"terminal,omitempty"` // whether it is attached to a terminal
}
