package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// PortInUseError is the addresses of the plan that other processes listen on, one for each port, at least one.
type PortInUseError struct {
	Taken []TakenPort
}

// TakenPort is an address of the plan that another process listens on.
type TakenPort struct {
	Endpoint profiles.Endpoint
	Holder   sockets.Listener // PID and Program are zero where the system does not tell
	Shared   bool             // the holder is the broker, who would share it with a program whose server is httpsys
}

func (e *PortInUseError) Error() string {
	if len(e.Taken) == 1 {
		return fmt.Sprintf("port %d is already in use", e.Taken[0].Endpoint.Port)
	}
	var ports []string
	for _, t := range e.Taken {
		ports = append(ports, fmt.Sprint(t.Endpoint.Port))
	}
	last := len(ports) - 1
	return fmt.Sprintf("ports %s and %s are already in use", strings.Join(ports[:last], ", "), ports[last])
}

// Diagnostics shows the places that want the ports.
func (e *PortInUseError) Diagnostics() []diagnostic.Diagnostic {
	var list []diagnostic.Diagnostic
	for _, t := range e.Taken {
		list = append(list, diagnostic.Diagnostic{Code: "port-in-use", Severity: diagnostic.Error,
			Place: t.Endpoint.Origin.Place, Message: fmt.Sprintf("%s wants %s", t.Endpoint.Origin.Name, t.Endpoint.URL)})
	}
	return list
}

// Details names the processes that have the ports.
func (e *PortInUseError) Details() []string {
	var lines []string
	for _, t := range e.Taken {
		lines = append(lines, t.holder())
	}
	return lines
}

// Hint says how to go on.
func (e *PortInUseError) Hint() string {
	if slices.ContainsFunc(e.Taken, func(t TakenPort) bool { return t.Shared }) {
		return "to share the port by host and path, give the profile \"gorun\": {\"server\": \"httpsys\"}; `gorun httpsys show` says who has it"
	}
	return fmt.Sprintf("stop that process, or run again with --urls %s://127.0.0.1:0 to take a free port", e.Taken[0].Endpoint.Scheme)
}

func (t TakenPort) holder() string {
	switch {
	case t.Shared:
		return fmt.Sprintf("programs that share ports have %s, by the broker, process %d", t.Holder.AddrPort, t.Holder.PID)
	case t.Holder.PID == 0:
		return fmt.Sprintf("another process is listening on %s", t.Holder.AddrPort)
	case t.Holder.Program == "":
		return fmt.Sprintf("process %d is listening on %s", t.Holder.PID, t.Holder.AddrPort)
	}
	return fmt.Sprintf("process %d (%s) is listening on %s", t.Holder.PID, t.Holder.Program, t.Holder.AddrPort)
}

// checkPorts looks for somebody else on the ports of the plan, so that it is said before the build and with a name,
// not after it and as the program's own last words.
//
// The program of an Executable profile is not told of its applicationUrl: it may listen somewhere else, or only use
// what listens there, so that it gets no more than a warning.
func (h *host) checkPorts() error {
	if h.plan.SharesPorts() && systemShares {
		return nil // they are the system's
	}
	taken := slices.DeleteFunc(takenPorts(h.plan.Endpoints), h.sponsor.has)
	untold := h.plan.Command == launchsettings.CommandExecutable && !h.plan.Fronted()
	taken = slices.DeleteFunc(taken, func(t TakenPort) bool {
		if !untold || t.Endpoint.Origin.Name != "applicationUrl" {
			return false
		}
		h.warn(diagnostic.Diagnostic{Code: "port-in-use", Place: t.Endpoint.Origin.Place,
			Message: fmt.Sprintf("%s, which applicationUrl names, is already in use: %s", t.Endpoint.URL, t.holder())})
		return true
	})
	if len(taken) > 0 {
		h.markShared(taken)
		return &PortInUseError{Taken: taken}
	}
	return nil
}

// markShared tells those that the broker has.
func (h *host) markShared(taken []TakenPort) {
	folder, err := broker.Folder(lookup(h.plan.Environ()))
	if err != nil {
		return // there is none
	}
	pid := broker.Process(folder)
	for i := range taken {
		taken[i].Shared = pid != 0 && taken[i].Holder.PID == pid
	}
}

// takenPorts are those that others listen on. A system that does not tell is no reason not to start.
func takenPorts(endpoints []profiles.Endpoint) []TakenPort {
	var taken []TakenPort
	for _, e := range endpoints {
		if !e.Wanted() {
			continue // it may well listen nowhere
		}
		if slices.ContainsFunc(taken, func(t TakenPort) bool { return t.Endpoint.Port == e.Port }) {
			continue // several addresses may share a port
		}
		for _, addr := range e.Addrs() { // none for a unix socket
			if holder, found, err := sockets.Holder(addr); err == nil && found { // never with port 0
				taken = append(taken, TakenPort{Endpoint: e, Holder: holder})
				break
			}
		}
	}
	return taken
}

// warn tells of something that does not keep the program from running.
func (h *host) warn(d diagnostic.Diagnostic) {
	d.Severity = diagnostic.Warning
	h.Emit.Tell(event.Event{Kind: event.Warned, Diagnostics: []diagnostic.Diagnostic{d}})
}
