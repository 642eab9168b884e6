package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers"
)

// behindModule is the plan of the test binary in a role, behind the module.
func behindModule(t *testing.T, role string) profiles.Plan {
	t.Helper()
	plan := on(t, as(t, role), "http://127.0.0.1:0")
	plan.Server.Value, plan.Hosting.Value = "module", "OutOfProcess"
	m := &plan.Module
	m.Root, m.ApplicationPath.Value = plan.Dir.Value, "/"
	m.StartupTimeLimit.Value, m.ShutdownTimeLimit.Value, m.ProcessesPerApplication.Value = patience, patience, 1
	return plan
}

// The signal that a profile asks its program with is not the front's: a signal to gorun ends it all the same.
func TestFrontIsStoppedWhateverStopsTheProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows can only ask with Ctrl+Break")
	}
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP, nil} { // nil: the end of the context
		plan := behindModule(t, "tell")
		plan.Stop.Signal.Value = "SIGUSR1"
		r := begin(t, plan, func(h *host) { h.hangup = time.Hour })
		r.next(event.EndpointReady)
		if sig != nil {
			r.signals <- sig
		} else {
			r.cancel()
		}
		if result := r.ended(0); !result.Stopped {
			t.Errorf("%v: it was not asked to stop", sig)
		}
	}
}

// A program that was replaced ends after its successor has begun.
func TestRecordKeepsTheLatestProgram(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "runs")
	h := newHost(behindModule(t, "tell"), Options{RunDir: dir})
	record := h.record()
	defer record.close()
	h.follow(record)
	h.Emit.Tell(event.Event{Kind: event.ProcessReady, PID: 11})
	h.Emit.Tell(event.Event{Kind: event.ProcessReady, PID: 12})
	for _, step := range []struct{ exited, want int }{{11, 12}, {12, 0}} {
		h.Emit.Tell(event.Event{Kind: event.ProcessExited, PID: step.exited})
		list, err := runs.List(dir)
		if err != nil || len(list) != 1 || list[0].ProgramPID != step.want {
			t.Errorf("after the end of %d: %+v, %v, want program %d", step.exited, list, err, step.want)
		}
	}
}

// Only the advice is taken off: without any the error is the one that says where.
func TestWithoutAdvice(t *testing.T) {
	t.Parallel()
	bare := &servers.AddressError{URL: "http://[::1]:5000", Source: "iisExpress.applicationUrl", Err: errors.New("no such address")}
	if got := withoutAdvice(bare); got != error(bare) {
		t.Errorf("got %v, want %v", got, bare)
	}
	advised := servers.Run(context.Background(), nil, servers.WithEnvironment(nil), servers.WithURLs("http://localhost:not"), servers.WithSignals())
	if advised == nil || errors.Unwrap(advised) == nil {
		t.Fatalf("there is no advice to take off: %v", advised)
	}
	if got := withoutAdvice(advised); got != errors.Unwrap(advised) {
		t.Errorf("got %v", got)
	}
}

// What a change of the settings cannot change is told.
func TestFixedSettingsAreTold(t *testing.T) {
	t.Parallel()
	plan := behindModule(t, "tell")
	var told []string
	h := newHost(plan, Options{Emit: func(e event.Event) {
		for _, d := range e.Diagnostics {
			told = append(told, d.Code)
		}
	}})
	b := &behind{host: h, plan: plan}
	b.warnOfFixed(plan)
	if told != nil {
		t.Errorf("of nothing: %q", told)
	}
	for code, change := range map[string]func(*profiles.Plan){
		"client-certificates": func(p *profiles.Plan) { p.Module.ClientCertificateMode.Value = "AllowCertificate" },
		"addresses":           func(p *profiles.Plan) { p.Endpoints = nil },
		"protocols":           func(p *profiles.Plan) { p.Module.Protocols.Value = "Http1" },
		"body-size":           func(p *profiles.Plan) { p.Module.MaxAllowedContentLength.Value = 1 },
		"preload":             func(p *profiles.Plan) { p.Module.Preload.Value = true },
	} {
		next := plan
		change(&next)
		told = nil
		if b.warnOfFixed(next); len(told) != 1 || told[0] != code {
			t.Errorf("%s: %q", code, told)
		}
	}
}
