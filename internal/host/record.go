package host

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/runs"
)

// record keeps this run's entry in the folder of runs. A nil *record keeps none. Its methods may be called from
// several goroutines; that an entry cannot be written is no reason to stop the program.
type record struct {
	mu    sync.Mutex
	entry *runs.Entry
}

// record makes the entry. Where it cannot be made (no folder that can be written to, or one that others can use, which
// is not to be trusted), that is a warning, and the program runs without.
func (h *host) record() *record {
	if h.RunDir == "" {
		return nil
	}
	entry, err := runs.Create(h.RunDir, runs.Record{
		PID: os.Getpid(), Name: h.name, State: runs.Building, Started: time.Now(),
		Profile: h.plan.Profile.Value, Settings: h.plan.Settings,
		Module: h.Target.ModuleDir, Dir: h.plan.Dir.Value,
		Configuration: h.plan.Build.Configuration.Value, Server: h.plan.Server.Value, Terminal: h.Foreground,
	})
	if err != nil {
		h.warn(unrecorded(err))
		return nil
	}
	return &record{entry: entry}
}

func unrecorded(err error) diagnostic.Diagnostic {
	advice := "set GORUN_RUN_DIR to a folder of your own"
	if folder, ok := errors.AsType[*runs.FolderError](err); ok {
		advice = folder.Hint()
	}
	return diagnostic.Diagnostic{Code: "no-record", Message: "`gorun ps` will not list this run: " + err.Error(), Suggestion: advice}
}

func (r *record) update(change func(*runs.Record)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.entry.Update(change) // see the type
}

// started notes the program, which is ready at once when there is nothing to wait for.
func (r *record) started(binary string, pid int, ready bool) {
	r.update(func(rec *runs.Record) {
		rec.Binary, rec.ProgramPID, rec.State = binary, pid, runs.Running
		if ready {
			rec.State = runs.Ready
		}
	})
}

// listening notes the addresses that answer, and whether these are all. What is stopping stays so.
func (r *record) listening(urls []string, all bool) {
	r.update(func(rec *runs.Record) {
		rec.URLs = urls
		if all && rec.State != runs.Stopping {
			rec.State = runs.Ready
		}
	})
}

// program notes which process the program is now, behind a front.
func (r *record) program(pid int) {
	r.update(func(rec *runs.Record) { rec.ProgramPID = pid })
}

// exited notes that a process has ended, which may have been replaced before.
func (r *record) exited(pid int) {
	r.update(func(rec *runs.Record) {
		if rec.ProgramPID == pid {
			rec.ProgramPID = 0
		}
	})
}

func (r *record) stopping() {
	r.update(func(rec *runs.Record) { rec.State = runs.Stopping })
}

func (r *record) close() {
	if r != nil {
		_ = r.entry.Close() // see the type
	}
}
