package page

import "net/http"

// ProbeHeader marks a question of a page that is shown: has the program come back? The answer has it, too.
//
// A page whose Kind reloads asks with HEAD, at its own address, every one to five seconds while somebody looks at it, and
// loads itself anew when the answer is "ready", or when somebody else than the front answers it (a status below 500 without
// this field): an app that was given the front's sockets knows nothing of probes.
//
// What the front owes:
//
//   - It looks at IsProbe before all else and answers with ServeProbe from what it knows. A probe starts no program, waits
//     for none, counts for no limit, and is never passed on.
//   - Ready means that another request is worth it: the program runs, or something has changed since its last start failed (a
//     setting, a rebuilt program, app_offline.htm gone, a new minute for rapid fails). When that start fails, too, it is no longer
//     ready until something changes again. So no page makes a program start over and over.
//   - In-process, while it shows a failure, the front accepts by itself, and lets the sockets go only for a request that is
//     no probe.
const ProbeHeader = "X-Gorun-Probe"

// The values of ProbeHeader.
const (
	probeAsk   = "ask"
	probeReady = "ready"
	probeWait  = "wait"
)

// IsProbe reports whether r is a page's question, see ProbeHeader.
func IsProbe(r *http.Request) bool {
	return r.Method == http.MethodHead && r.Header.Get(ProbeHeader) == probeAsk
}

// ServeProbe answers a page's question: ready has it load itself anew.
func ServeProbe(w http.ResponseWriter, ready bool) {
	answer := probeWait
	if ready {
		answer = probeReady
	}
	w.Header().Set(ProbeHeader, answer)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent) // not 503: browsers would write an error to the console each time
}
