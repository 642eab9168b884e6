package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/host"
	"github.com/gorun-dev/gorun/internal/ui"
)

// story tells on stderr what happens in a run. It may hear events from several goroutines.
type story struct {
	w      *world
	launch launch // set before the first event

	runs     bool           // what is built is run, too
	begun    bool           // the profile was told
	lines    *ui.EventLines // of --events; nil without it
	rest     *time.Timer    // gives memory back; nil before the program runs
	mu       sync.Mutex
	progress *ui.Progress
}

// begin says which profile runs, once. Without one there is nothing to say.
func (s *story) begin() {
	plan := s.launch.plan
	if !plan.Applied || s.begun {
		return
	}
	s.begun = true
	what := plan.Build.Configuration.Value
	if !plan.Builds() {
		what = plan.Command
	}
	s.w.ui.Say("profile %s (%s:%d), %s", plan.Profile.Value, s.w.ui.Path(plan.Place.File), plan.Place.Start.Line, what)
}

// hear tells of one event.
func (s *story) hear(e event.Event) {
	s.lines.Emit(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case event.BuildWaiting:
		s.progress.Start("waiting for " + builder(e.PID) + ", which builds " + s.program())
	case event.BuildStarted:
		if s.runs {
			s.begin()
		}
		s.w.ui.Detail("the build is needed: %s", strings.Join(e.Reasons, "; "))
		s.progress.Start("building " + s.program())
	case event.BuildDone:
		s.progress.Done()
		fmt.Fprint(s.w.stderr, e.Text) // warnings of the toolchain, as it prints them
	case event.BuildFailed:
		s.progress.Done()
	case event.EndpointReady:
		s.progress.Done()
		s.begin() // a front listens before its program runs
		s.w.ui.Say("Now listening on: %s", e.URL)
	case event.Warned:
		for _, d := range e.Diagnostics {
			s.w.ui.Diagnostic(withSource(d))
		}
	case event.ProcessStarted:
		s.progress.Done() // of waiting for another's build
		s.begin()
		if s.rest == nil {
			// From then on gorun mostly waits. Not at once: a program that ends soon need not pay for it.
			s.rest = time.AfterFunc(time.Second, debug.FreeOSMemory)
		}
		s.w.ui.Detail("started %s as process %d", e.Program, e.PID)
	case event.BrowserOpened:
		s.w.ui.Detail("opened %s", e.URL)
	case event.Stopping:
		s.stopping(e)
	case event.ProcessReady, event.StartFailed, event.Restarting, event.Recycling, event.Offline, event.Online:
		s.behind(e)
	case event.Killing:
		s.w.ui.Say("killing %s and everything it started", e.Program)
	}
}

// behind tells of a program behind a front.
func (s *story) behind(e event.Event) {
	switch e.Kind {
	case event.ProcessReady:
		s.w.ui.Detail("%s is ready after %s (process %d)", e.Program, brief(time.Duration(e.Duration*float64(time.Millisecond))), e.PID)
	case event.StartFailed:
		s.w.ui.Problem(&startFailedError{e.Program, e.Reasons})
	case event.Restarting:
		s.w.ui.Say("%s: %s, and will be started again", e.Program, strings.Join(e.Reasons, "; "))
	case event.Recycling:
		s.w.ui.Say("%s: new requests go to a new %s, the running ones are finished", strings.Join(e.Reasons, "; "), e.Program)
	case event.Offline:
		s.w.ui.Say("%s is there: %s is offline until it is removed", s.w.ui.Path(e.Path), e.Program)
	case event.Online:
		s.w.ui.Say("%s is online again: the next request starts it", e.Program)
	}
}

// startFailedError is a program behind a front that did not get ready. Its output has been seen.
type startFailedError struct {
	program string
	reasons []string
}

func (e *startFailedError) Error() string {
	if len(e.reasons) == 1 {
		return e.program + " did not start: " + e.reasons[0]
	}
	return fmt.Sprintf("%s did not start in %d attempts", e.program, len(e.reasons))
}

// Details are the attempts, where there were several.
func (e *startFailedError) Details() []string {
	if len(e.reasons) == 1 {
		return nil
	}
	return e.reasons
}

// Hint says when it is tried again.
func (e *startFailedError) Hint() string {
	return "the next request tries again; the browser shows what is known"
}

// builder is the gorun that builds what this one waits for; its pid is 0 where it is not known.
func builder(pid int) string {
	if pid == 0 {
		return "another gorun"
	}
	return fmt.Sprintf("gorun (process %d)", pid)
}

// stopping says how to be less patient. A terminal has just echoed ^C, so the line needs a new one.
func (s *story) stopping(e event.Event) {
	if e.PID != 0 { // one process behind a front, of which the user has been told
		s.w.ui.Detail("asked process %d of %s to stop", e.PID, e.Program)
		return
	}
	if e.Signal != "SIGINT" {
		s.w.ui.Say("stopping %s (%s)", e.Program, e.Signal)
		return
	}
	newline := ""
	if term.IsTerminal(int(s.w.stderr.Fd())) {
		newline = "\n"
	}
	s.w.ui.SayAfter(newline, "stopping %s (Ctrl+C again kills it)", e.Program)
}

// end takes away what is still being redrawn, where the run ended in the middle of it, and writes the last events.
func (s *story) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Done()
	if s.rest != nil {
		s.rest.Stop()
	}
	if err := s.lines.Close(); err != nil {
		s.w.ui.Diagnostic(diagnostic.Diagnostic{Code: "events", Severity: diagnostic.Warning,
			Message: "the events could not all be written: " + err.Error()})
	}
}

// verdict speaks when a program ended in a way that its user may not understand: before it listened, and not
// because it was asked to.
func (s *story) verdict(r host.Result) {
	code := r.Status.ExitCode()
	if r.Stopped || code == 0 {
		return
	}
	if len(r.NotReady) == 0 {
		// A pipe whose reader has gone is how many programs end in a pipeline.
		if sig := r.Status.Signal(); sig != 0 && sig != syscall.SIGPIPE {
			s.w.ui.Say("%s was %s after %s", s.name(), r.Status, brief(r.Duration))
		}
		return
	}
	s.w.ui.Problem(&endedEarlyError{
		name: s.name(), status: r.Status.String(), after: r.Duration, urls: r.NotReady,
		again: "gorun plan" + s.profileFlag(),
	})
}

func (s *story) name() string {
	if name := s.launch.target.Name; name != "" {
		return name
	}
	return s.w.ui.Path(s.launch.plan.Program.Value)
}

// program is how the user would name what is built.
func (s *story) program() string {
	return s.w.targetName(s.launch.target)
}

func (s *story) profileFlag() string {
	if !s.launch.plan.Applied {
		return ""
	}
	return " " + ui.ShellQuote([]string{"-lp", s.launch.plan.Profile.Value})
}

// endedEarlyError is a program that ended before it listened.
type endedEarlyError struct {
	name, status string
	after        time.Duration
	urls         []string
	again        string
}

func (e *endedEarlyError) Error() string {
	verb := "ended with "
	if strings.HasPrefix(e.status, "killed") {
		verb = "was "
	}
	return fmt.Sprintf("%s %s%s after %s, before it listened on %s", e.name, verb, e.status, brief(e.after), strings.Join(e.urls, ", "))
}

func (e *endedEarlyError) Hint() string {
	return fmt.Sprintf("`%s` shows the whole environment that it was given", e.again)
}

// brief is a duration with the digits that matter to a person.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
