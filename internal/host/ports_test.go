package host

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// hold lets another program listen on both addresses until the test ends.
func hold(t *testing.T, one, two string) (pid int) {
	t.Helper()
	r := begin(t, on(t, as(t, "listen", "tcp:"+one, "tcp:"+two), "http://"+one, "http://"+two), nil)
	pid = r.next(event.ProcessStarted).PID
	r.ready(2)
	return pid
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	one, two := freePort(t), freePort(t)
	pid := hold(t, "127.0.0.1:"+one, "127.0.0.1:"+two)
	place := diagnostic.Place{File: "/launchSettings.json", Start: diagnostic.Position{Line: 3, Column: 7}}
	plan := on(t, as(t, "exit", "0"), "http://127.0.0.1:0", "https://localhost:"+two, "http://*:"+one, "http://127.0.0.1:"+one)
	for i := range plan.Endpoints {
		plan.Endpoints[i].Origin = profiles.Origin{Kind: profiles.FromFile, Name: "ASPNETCORE_URLS", Place: place}
	}
	r := begin(t, plan, nil)
	_, err := r.end()
	taken, ok := errors.AsType[*PortInUseError](err)
	if !ok || len(taken.Taken) != 2 {
		t.Fatalf("error %v", err)
	}
	if want := "ports " + two + " and " + one + " are already in use"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	details := taken.Details()
	if len(details) != 2 || !strings.Contains(details[0], "process "+strconv.Itoa(pid)+" (") || !strings.Contains(details[0], "127.0.0.1:"+two) {
		t.Errorf("details %q", details)
	}
	list := taken.Diagnostics()
	if len(list) != 2 || list[0].Place != place || list[0].Message != "ASPNETCORE_URLS wants https://localhost:"+two {
		t.Errorf("diagnostics %v", list)
	}
	if want := "stop that process, or run again with --urls https://127.0.0.1:0 to take a free port"; taken.Hint() != want {
		t.Errorf("hint %q", taken.Hint())
	}
	if len(r.seen) > 0 {
		t.Errorf("events %v", r.kinds())
	}
}

// The port alone does not make it taken: the address must be the same, or one of the two a wildcard.
func TestPortHeldOnAnotherAddress(t *testing.T) {
	t.Parallel()
	port, other := freePort(t), freePort(t)
	hold(t, "127.0.0.2:"+port, "127.0.0.2:"+other)
	r := begin(t, on(t, as(t, "exit", "0"), "http://localhost:"+port, "http://127.0.0.1:"+other), nil)
	r.ended(0)

	for _, url := range []string{"http://*:" + port, "http://0.0.0.0:" + port, "http://127.0.0.2:" + port} {
		_, err := Run(t.Context(), on(t, as(t, "exit", "0"), url), Options{})
		taken, ok := errors.AsType[*PortInUseError](err)
		if !ok || err.Error() != "port "+port+" is already in use" || taken.Taken[0].Endpoint.URL != url {
			t.Errorf("%s: error %v", url, err)
		}
	}
}

// Unix sockets and free ports are nobody's; a socket file that is left over is the program's business.
func TestPortsThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	plan := on(t, as(t, "exit", "0"), "http://unix:"+filepath.ToSlash(t.TempDir()), "http://localhost:0", "http://*:0")
	if taken := takenPorts(plan.Endpoints); taken != nil {
		t.Errorf("%v", taken)
	}
}

// An Executable is not told its applicationUrl: what listens there may be what it wants to reach.
func TestPortThatAnExecutableMayNotWant(t *testing.T) {
	t.Parallel()
	one, two := freePort(t), freePort(t)
	hold(t, "127.0.0.1:"+one, "127.0.0.1:"+two)
	plan := on(t, as(t, "exit", "0"), "http://localhost:"+one)
	place := diagnostic.Place{File: "/launchSettings.json"}
	plan.Endpoints[0].Origin = profiles.Origin{Kind: profiles.FromFile, Name: "applicationUrl", Place: place}
	r := begin(t, plan, nil)
	r.ended(0)
	if d := r.seen[0].Diagnostics; r.seen[0].Kind != event.Warned || d[0].Place != place || d[0].Severity != diagnostic.Warning || !strings.Contains(d[0].Message, one) {
		t.Errorf("events %+v", r.seen)
	}
	_, err := Run(t.Context(), on(t, plan, "http://127.0.0.1:"+two), Options{}) // named by --urls, which it is told
	if taken, ok := errors.AsType[*PortInUseError](err); !ok || len(taken.Taken) != 1 {
		t.Errorf("error %v", err)
	}
}

func TestPortInUseErrorWithoutAHolder(t *testing.T) {
	t.Parallel()
	e, err := endpoint.Parse("http://localhost:80")
	if err != nil {
		t.Fatal(err)
	}
	at := e.Addrs()[0]
	failed := &PortInUseError{}
	for _, holder := range []sockets.Listener{{AddrPort: at}, {AddrPort: at, PID: 7}, {AddrPort: at, PID: 7, Program: "api"}} {
		failed.Taken = append(failed.Taken, TakenPort{Endpoint: profiles.Endpoint{Endpoint: e}, Holder: holder})
	}
	want := []string{
		"another process is listening on 127.0.0.1:80",
		"process 7 is listening on 127.0.0.1:80",
		"process 7 (api) is listening on 127.0.0.1:80",
	}
	if diff := cmp.Diff(want, failed.Details()); diff != "" {
		t.Error(diff)
	}
	if want := "ports 80, 80 and 80 are already in use"; failed.Error() != want {
		t.Errorf("%q", failed)
	}
}
