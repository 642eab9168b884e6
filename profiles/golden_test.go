package profiles_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/launchsettings/webconfig"
	"github.com/gorun-dev/gorun/profiles"
)

var update = flag.Bool("update", false, "write the plans")

// TestGolden holds what becomes of settings: each file of testdata/settings has a request, launchSettings.json, at will
// a web.config, and the plan, which -update writes.
func TestGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "settings", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]*txtar.File{}
			for i := range archive.Files {
				files[archive.Files[i].Name] = &archive.Files[i]
			}
			got := planOf(t, files)
			if *update {
				files["plan"].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(files["plan"].Data), got); diff != "" {
				t.Errorf("go test ./profiles -run TestGolden -update writes it:\n%s", diff)
			}
		})
	}
}

// planOf decides what the files of one case ask for. The project folder is /p, or C:\p on Windows.
func planOf(t *testing.T, files map[string]*txtar.File) string {
	t.Helper()
	request := requestOf(t, string(files["request"].Data))
	join := func(name string) string { return request.Project + "/" + name }
	if request.GOOS == "windows" {
		join = func(name string) string { return request.Project + `\` + name }
	}
	settings := launchsettings.Parse(join("launchSettings.json"), files["launchSettings.json"].Data)
	choice, err := profiles.Select(settings, request)
	if err != nil {
		return problems(err)
	}
	if path, _ := choice.WebConfig(request); path != "" && files["web.config"] != nil {
		request.WebConfig = webconfig.Parse(path, files["web.config"].Data)
	}
	needs := choice.Needs(request)
	facts := profiles.Facts{}
	if len(needs.Programs) > 0 {
		facts.Program = needs.Programs[0]
	}
	plan, warnings, err := choice.Resolve(request, facts)
	if err != nil {
		return problems(err)
	}
	return show(plan, needs, warnings)
}

func requestOf(t *testing.T, text string) profiles.Request {
	t.Helper()
	request := profiles.Request{GOOS: "linux", Dir: "/p/sub", Project: "/p"}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch name {
		case "profile":
			request.Profile = value
		case "goos":
			request.GOOS = value
			if value == "windows" {
				request.Dir, request.Project = `C:\p\sub`, `C:\p`
			}
		case "env":
			request.Environ = append(request.Environ, value)
		case "-e":
			name, value, _ := strings.Cut(value, "=")
			request.Variables = append(request.Variables, profiles.Variable{Name: name, Value: value})
		case "program":
			request.Program = value
		case "--urls":
			request.URLs = value
		case "httpsys":
			request.HTTPSys = value
		case "no-go-program":
			request.NoGoProgram = true
		default:
			t.Fatalf("the request has a line %q", line)
		}
	}
	return request
}

func problems(err error) string {
	out := "error: " + err.Error() + "\n"
	if carrier, ok := err.(interface {
		Diagnostics() []diagnostic.Diagnostic
	}); ok {
		for _, d := range carrier.Diagnostics() {
			out += "  " + d.String() + "\n"
		}
	}
	return out
}

// show is the part of a plan that these cases are about, with where each value comes from.
func show(p profiles.Plan, needs profiles.Needs, warnings diagnostic.List) string {
	var b strings.Builder
	line := func(name string, value any, from profiles.Origin) {
		at := from.String()
		if from.Kind == profiles.FromFile {
			at = fmt.Sprintf("%s, %s:%d", from.Name, filepath.Base(strings.ReplaceAll(from.Place.File, `\`, "/")), from.Place.Start.Line)
		}
		fmt.Fprintf(&b, "%s = %v (%s)\n", name, value, at)
	}
	line("server", p.Server.Value, p.Server.Origin)
	if p.Hosting.Value != "" {
		line("hosting", p.Hosting.Value, p.Hosting.Origin)
	}
	if p.Builds() {
		fmt.Fprintln(&b, "program = the Go program")
	} else {
		line("program", strings.Join(needs.Programs, " | "), p.Program.Origin)
	}
	line("args", fmt.Sprintf("%q", p.Args.Value), p.Args.Origin)
	line("dir", p.Dir.Value, p.Dir.Origin)
	for _, v := range p.Env {
		line("env "+v.Name, v.Value, v.Origin)
	}
	for _, e := range p.Endpoints {
		line("endpoint", e.Endpoint, e.Origin)
	}
	if p.Browser.LaunchURL.Value != "" {
		line("launchUrl", p.Browser.URL, p.Browser.LaunchURL.Origin)
	}
	if m := p.Module; m.Root != "" {
		showModule(m, line)
	}
	for _, d := range warnings {
		fmt.Fprintf(&b, "warning: %s\n", d)
	}
	return b.String()
}

func showModule(m profiles.Module, line func(string, any, profiles.Origin)) {
	line("reads", strings.Join(m.Reads, " "), profiles.Origin{})
	line("webConfig", m.WebConfig.Value, m.WebConfig.Origin)
	line("applicationPath", m.ApplicationPath.Value, m.ApplicationPath.Origin)
	line("startupTimeLimit", m.StartupTimeLimit.Value, m.StartupTimeLimit.Origin)
	line("shutdownTimeLimit", m.ShutdownTimeLimit.Value, m.ShutdownTimeLimit.Origin)
	line("requestTimeout", m.RequestTimeout.Value, m.RequestTimeout.Origin)
	line("rapidFailsPerMinute", m.RapidFailsPerMinute.Value, m.RapidFailsPerMinute.Origin)
	line("processesPerApplication", m.ProcessesPerApplication.Value, m.ProcessesPerApplication.Origin)
	line("stdoutLogEnabled", m.StdoutLogEnabled.Value, m.StdoutLogEnabled.Origin)
	line("stdoutLogFile", m.StdoutLogFile.Value, m.StdoutLogFile.Origin)
	line("disableStartUpErrorPage", m.DisableStartUpErrorPage.Value, m.DisableStartUpErrorPage.Origin)
	line("detailedErrors", m.DetailedErrors.Value, m.DetailedErrors.Origin)
	line("forwardWindowsAuthToken", m.ForwardWindowsAuthToken.Value, m.ForwardWindowsAuthToken.Origin)
	line("preload", m.Preload.Value, m.Preload.Origin)
	line("protocols", m.Protocols.Value, m.Protocols.Origin)
	line("maxAllowedContentLength", m.MaxAllowedContentLength.Value, m.MaxAllowedContentLength.Origin)
	line("clientCertificateMode", m.ClientCertificateMode.Value, m.ClientCertificateMode.Origin)
	for _, s := range m.HandlerSettings {
		line("handlerSetting "+s.Name, s.Value, s.Origin)
	}
}
