package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/goversion"
	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/devcert/trust"
)

// doctorCommand looks at everything that a run and a debugger need.
func (w *world) doctorCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "check what gorun needs on this machine, and the settings here",
		ArgsUsage:   "[PATH]",
		Description: "The exit status is 1 when something is broken; warnings leave it 0.",
		Flags:       append(placeFlags(), jsonFlag()),
		Action:      func(c *cli.Context) error { return w.doctor(c, inv) },
	}
}

// finding is the outcome of one check. Its JSON is part of gorun's interface: docs/json.md.
type finding struct {
	Check       string                  `json:"check"`
	State       string                  `json:"state"` // ok, warning, error
	Message     string                  `json:"message"`
	Suggestion  string                  `json:"suggestion,omitempty"`
	Diagnostics []diagnostic.Diagnostic `json:"diagnostics,omitempty"`
}

func (w *world) doctor(c *cli.Context, inv *Invocation) error {
	goFinding, goVersion := w.checkGo()
	findings := []finding{goFinding, checkDelve(goVersion), checkTracing(), w.checkCache(), w.checkRuns(), w.checkCertificate(), w.checkBroker()}
	findings = append(findings, w.checkProgram(place(c, inv))...)
	if c.Bool("json") {
		if err := w.ui.JSON(findings); err != nil {
			return err
		}
	} else if err := w.tellFindings(findings); err != nil {
		return err
	}
	for _, f := range findings {
		if f.State == "error" {
			return exitStatus(exitFailed)
		}
	}
	return nil
}

func (w *world) tellFindings(findings []finding) error {
	var rows [][]string
	for _, f := range findings {
		rows = append(rows, []string{f.State, f.Check, f.Message})
		if f.Suggestion != "" {
			rows = append(rows, []string{"", "", "hint: " + f.Suggestion})
		}
	}
	if err := w.ui.Table(nil, rows); err != nil {
		return err
	}
	for _, f := range findings {
		w.tellAll(f.Diagnostics)
	}
	return nil
}

// checkGo asks the go command in PATH for its version.
func (w *world) checkGo() (finding, string) {
	path, err := exec.LookPath("go")
	if err != nil {
		return finding{Check: "go", State: "error", Message: "there is no go command in PATH", Suggestion: "install Go from https://go.dev/dl and put its bin folder into PATH"}, ""
	}
	cmd := exec.Command(path, "env", "GOVERSION")
	cmd.Dir = w.dir
	out, err := cmd.Output()
	version := strings.TrimSpace(string(out))
	if err != nil || version == "" {
		return finding{Check: "go", State: "error", Message: path + " does not tell its version", Suggestion: "run `go env GOVERSION` to see why"}, ""
	}
	message := version + " at " + path
	if gobuild.Shim(w.environ) != "" {
		message += ", a version manager's, which each start asks for the toolchain"
	}
	return finding{Check: "go", State: "ok", Message: message}, version
}

// checkDelve compares the Go version with those that the linked Delve can debug.
func checkDelve(goVersion string) finding {
	f := finding{Check: "delve", State: "ok"}
	delve := "Delve " + version().Delve
	if goVersion == "" {
		f.State, f.Message = "warning", delve+" is linked in; without Go there is nothing to debug"
		return f
	}
	oldest, newest := goversion.MinSupportedVersionOfGoMinor, goversion.MaxSupportedVersionOfGoMinor
	if !goversion.VersionAfterOrEqual(goVersion, 1, oldest) || goversion.VersionAfterOrEqual(goVersion, 1, newest+1) {
		f.State, f.Message = "warning", fmt.Sprintf("%s can debug what Go 1.%d to 1.%d build, not what %s does", delve, oldest, newest, goVersion)
		f.Suggestion = "use a gorun with a newer Delve, or another Go version"
		return f
	}
	f.Message = fmt.Sprintf("%s can debug what %s builds", delve, goVersion)
	if !delveRunsHere() {
		f.State, f.Message = "warning", fmt.Sprintf("Delve does not run on %s/%s: programs run, but cannot be debugged", runtime.GOOS, runtime.GOARCH)
	}
	return f
}

// delveRunsHere follows the list of Delve's documentation of 1.27.
func delveRunsHere() bool {
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64", "linux/386", "linux/arm64", "linux/ppc64le", "linux/loong64", "linux/riscv64",
		"windows/amd64", "windows/arm64", "darwin/amd64", "darwin/arm64", "freebsd/amd64", "freebsd/arm64":
		return true
	}
	return false
}

// checkTracing looks at what the system lets a debugger attach to: yama's setting, on Linux.
func checkTracing() finding {
	f := finding{Check: "ptrace", State: "ok", Message: "a debugger may attach to your processes"}
	if runtime.GOOS != "linux" {
		f.Message = "nothing to check on this system"
		return f
	}
	data, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if errors.Is(err, os.ErrNotExist) || os.Geteuid() == 0 {
		return f
	}
	switch strings.TrimSpace(string(data)) {
	case "0":
	case "1":
		f.State, f.Message = "warning", "a debugger may launch programs, but not attach to running ones (yama ptrace_scope 1)"
		f.Suggestion = "to attach: echo 0 | sudo tee /proc/sys/kernel/yama/ptrace_scope"
	default:
		f.State, f.Message = "warning", "programs cannot be debugged by an ordinary user (yama ptrace_scope "+strings.TrimSpace(string(data))+")"
		f.Suggestion = "echo 0 | sudo tee /proc/sys/kernel/yama/ptrace_scope"
	}
	return f
}

// checkCache looks whether binaries can be kept.
func (w *world) checkCache() finding {
	dir, err := w.cacheDir()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = writable(dir)
	}
	if err != nil {
		return finding{Check: "cache", State: "error", Message: fmt.Sprintf("binaries cannot be kept: %v", err), Suggestion: "set GORUN_CACHE to a folder that can be written to"}
	}
	return finding{Check: "cache", State: "ok", Message: "binaries are kept in " + dir}
}

func writable(dir string) error {
	f, err := os.CreateTemp(dir, "doctor-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// checkRuns looks at the folder of the running hosts.
func (w *world) checkRuns() finding {
	dir, err := w.runDir()
	if err == nil {
		var entry *runs.Entry
		if entry, err = runs.Create(dir, runs.Record{Name: "doctor", PID: os.Getpid()}); err == nil {
			err = entry.Close()
		}
	}
	if err != nil {
		return finding{Check: "runs", State: "error", Message: err.Error(), Suggestion: "set GORUN_RUN_DIR to a folder of your own"}
	}
	return finding{Check: "runs", State: "ok", Message: "running programs are recorded in " + dir}
}

// checkCertificate looks for the development certificate, and whether the system and its browsers trust it.
func (w *world) checkCertificate() finding {
	f := finding{Check: "certificate", State: "warning"}
	info, err := devcert.Check(devcert.Options{Getenv: w.getenv})
	if err != nil {
		f.Message, f.Suggestion = err.Error(), "`gorun dev-certs https --trust` makes one"
		return f
	}
	f.Message = fmt.Sprintf("%s is valid until %s", w.ui.Path(info.File), info.Leaf.NotAfter.Format(time.DateOnly))
	results := trust.Check(context.Background(), info.Anchor, trust.Options{Getenv: w.getenv, File: info.AnchorFile})
	if trust.OK(results) {
		f.State = "ok"
		f.Message += " and trusted"
		return f
	}
	f.Message += "; not trusted: " + strings.Join(untrusted(results), ", ")
	f.Suggestion = "`gorun dev-certs https --trust`"
	return f
}

// checkProgram looks for the program and its settings here.
func (w *world) checkProgram(at where) []finding {
	target, err := w.find(at, nil)
	f := finding{Check: "program", State: "ok"}
	if err != nil {
		f.State, f.Message = "warning", err.Error()
		if hint, ok := err.(interface{ Hint() string }); ok {
			f.Suggestion = hint.Hint()
		}
	} else {
		f.Message = fmt.Sprintf("%s in %s", target.Name, w.ui.Path(target.Dir))
	}
	settings, project, warnings := w.settings(at, target, err)
	return []finding{f, w.checkSettings(w.describe(settings, project, err), warnings)}
}

func (w *world) checkSettings(list profileList, warnings []diagnostic.Diagnostic) finding {
	f := finding{Check: "settings", State: "ok"}
	if list.Settings == "" {
		f.Message = "there is no settings file, and none is needed"
		return f
	}
	f.Diagnostics = append(warnings, list.Diagnostics...)
	for _, p := range list.Profiles {
		f.Diagnostics = append(f.Diagnostics, p.Diagnostics...)
	}
	f.Message = fmt.Sprintf("%s with %s", w.ui.Path(list.Settings), count(len(list.Profiles), "profile", "profiles"))
	if n := len(f.Diagnostics); n > 0 {
		f.State = "warning"
		f.Message += " and " + count(n, "problem", "problems")
	}
	if len(diagnostic.List(list.Diagnostics).Errors()) > 0 {
		f.State = "error"
	}
	return f
}
