package module

import (
	"errors"
	"io/fs"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// fail answers a request that no process has answered.
func (s *served) fail(w http.ResponseWriter, r *http.Request, err error) {
	if refusal, ok := errors.AsType[*relay.RefusalError](err); ok {
		refuse(w, r, refusal)
		return
	}
	if failure, ok := errors.AsType[*relay.Error](err); ok && failure.Client || r.Context().Err() != nil {
		w.WriteHeader(http.StatusBadRequest) // most often to nobody
		return
	}
	if _, ok := errors.AsType[*backend.StartError](err); ok {
		s.failed.Store(true)
	}
	s.front.o.Log.Warn("a request was not answered by the application", "method", r.Method, "path", r.URL.Path, "error", err)
	s.failure(err).ServeHTTP(w, r)
}

// refuse answers a request that cannot go through HTTP/1.1 behind the front. A client of gRPC reads fields, no pages.
func refuse(w http.ResponseWriter, r *http.Request, e *relay.RefusalError) {
	if e.GRPC {
		const unimplemented = "12"
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", unimplemented)
		w.Header().Set("Grpc-Message", grpcText(e.Error()+": "+e.Hint()))
		w.WriteHeader(http.StatusOK)
		return
	}
	http.Error(w, e.Error()+"\n"+e.Hint(), e.Status)
}

// grpcText writes a message as the protocol wants it: percent-encoded.
func grpcText(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '%' {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// failure is the page for err.
func (s *served) failure(err error) page.Failure {
	f := page.Failure{
		Program: s.front.o.Name, Detailed: s.Detailed, Cause: err.Error(), Short: s.NoErrorPage, Link: s.ErrorLink,
		Redact: s.secrets(), Advice: hints(err),
	}
	rapid, isRapid := errors.AsType[*backend.RapidFailError](err)
	start, isStart := errors.AsType[*backend.StartError](err)
	gateway, isGateway := errors.AsType[*relay.Error](err)
	switch {
	case errors.Is(err, backend.ErrStopping), errors.Is(err, backend.ErrDropped):
		f.Kind = page.Stopping
	case isRapid:
		f.Kind, f.RetryAfter, f.Advice = page.RapidFails, time.Until(rapid.Until), nil // the page says it
		f.Settings = s.settings("rapidFailsPerMinute")
	case isStart:
		s.started(&f, start)
	case isGateway && gateway.Timeout:
		f.Kind, f.Settings = page.RequestTimeout, s.settings("requestTimeout")
	case isGateway:
		f.Kind = page.BadGateway
	}
	return f
}

// started tells of a program that did not start.
func (s *served) started(f *page.Failure, e *backend.StartError) {
	f.Kind = s.startKind(e)
	f.Signal, f.Output = e.Signal, strings.Join(e.LastLines, "\n")
	if e.Ended && e.Signal == "" {
		f.ExitCode = &e.ExitCode
	}
	for _, a := range e.Attempts {
		if a.Path != "" {
			f.Command = []string{a.Path}
		}
		f.Attempts = append(f.Attempts, page.Attempt{Port: a.Port, Duration: a.Duration, Err: s.short(a)})
	}
	last := e.Attempts[len(e.Attempts)-1]
	f.Missing = last.Stage == backend.StageCommand
	if last.Stage == backend.StageReady {
		f.Advice = nil // the page says it
	}
	switch {
	case e.TimedOut:
		f.Settings = s.settings("startupTimeLimit")
	case last.Stage == backend.StageCommand || last.Stage == backend.StageStart:
		f.Settings = s.settings("processPath")
	case last.Stage == backend.StagePrepare:
		f.Settings = s.settings("ASPNETCORE_PORT")
	}
}

// short is why an attempt failed, as everybody may read it. What a program says of itself is for developers.
func (s *served) short(a *backend.Attempt) string {
	switch {
	case a.Stage == backend.StageCommand:
		return "there is no program to start"
	case a.Stage == backend.StagePrepare:
		return "no port could be chosen"
	case a.Stage == backend.StageStart:
		return "the system could not start it"
	case a.Ended:
		return "it ended before it was ready"
	case a.TimedOut:
		return "it was not ready in time"
	}
	return "it failed to listen on the given port"
}

// startKind is the status of a program that did not start (reference: servers.md, 1.11).
func (s *served) startKind(e *backend.StartError) page.Kind {
	last := e.Attempts[len(e.Attempts)-1]
	switch {
	case s.Hosting == OutOfProcess:
		return page.OutOfProcessStart
	case last.Stage == backend.StageStart && errors.Is(e, syscall.ENOEXEC):
		return page.WrongArchitecture
	case last.Stage == backend.StageStart && errors.Is(e, fs.ErrNotExist) && exists(last.Path), e.Ended && lacksLibrary(e):
		return page.MissingDependency
	case last.Stage != backend.StageReady:
		return page.InProcessLoad
	case e.TimedOut:
		return page.InProcessTimeout
	}
	return page.InProcessStart
}

// lacksLibrary knows what the system's loader does and says: it ends the process with 127.
func lacksLibrary(e *backend.StartError) bool {
	return e.ExitCode == 127 && strings.Contains(e.Output, "error while loading shared libraries")
}

func exists(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}

// settings are those with the given names, with their places.
func (s *served) settings(names ...string) []page.Setting {
	var list []page.Setting
	for _, name := range names {
		if v, ok := s.Shown[name]; ok {
			list = append(list, page.Setting{Name: name, Value: v.Value, Place: v.Place})
		}
	}
	return list
}

// hints are what the parts of err advise.
func hints(err error) []string {
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) && hinting.Hint() != "" {
		return []string{hinting.Hint()}
	}
	return nil
}
