package profiles

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/launchsettings"
)

// resolve makes the plan of a settings file that stands in /p/Properties.
func resolve(t *testing.T, settings string, request Request, facts Facts) (Plan, []string, error) {
	t.Helper()
	request.Dir, request.Project = "/p", "/p"
	var s launchsettings.Settings
	if settings != "" {
		s = launchsettings.Parse("/p/Properties/launchSettings.json", []byte(settings))
	}
	choice, err := Select(s, request)
	if err != nil {
		return Plan{}, nil, err
	}
	plan, warnings, err := choice.Resolve(request, facts)
	var messages []string
	for _, w := range warnings {
		messages = append(messages, w.Message)
	}
	return plan, messages, err
}

func profile(properties string) string {
	return `{"profiles":{"A":{"commandName":"Project",` + properties + `}}}`
}

// set are the variables of the plan that were not inherited.
func set(p Plan) map[string]string {
	out := map[string]string{}
	for _, v := range p.Env {
		if v.Origin.Kind != FromEnvironment {
			out[v.Name] = v.Value
		}
	}
	return out
}

func TestEnvironmentPrecedence(t *testing.T) {
	t.Parallel()
	facts := Facts{EnvFiles: []EnvFile{{Path: "/p/.env", Entries: []EnvEntry{{Name: "B", Value: "file"}, {Name: "C", Value: "file"}, {Name: "ASPNETCORE_URLS", Value: "http://localhost:3"}}}}}
	environ := []string{"A=shell", "B=shell", "C=shell", "D=shell", "PATH=/bin"}
	settings := func(extra string) string {
		return profile(`"applicationUrl":"http://localhost:1","environmentVariables":{"A":"%D%-%A%-%NO%","B":"profile"},"gorun":{"envFile":".env"` + extra + `}`)
	}
	for _, c := range []struct {
		name     string
		settings string
		request  Request
		want     map[string]string
	}{
		{"profile wins", settings(""), Request{},
			map[string]string{"A": "shell-shell-%NO%", "B": "profile", "C": "file", "ASPNETCORE_URLS": "http://localhost:3", "DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel", "PORT": "3"}},
		{"shell wins", settings(`,"env":"shell"`), Request{},
			map[string]string{"ASPNETCORE_URLS": "http://localhost:3", "DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel", "PORT": "3"}},
		{"-e wins", settings(""), Request{Variables: []Variable{{"B", "1"}, {"B", "2"}, {"ASPNETCORE_URLS", "http://localhost:4"}}},
			map[string]string{"A": "shell-shell-%NO%", "B": "2", "C": "file", "ASPNETCORE_URLS": "http://localhost:4", "DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel", "PORT": "4"}},
		{"--urls wins", settings(""), Request{URLs: "https://*:9;http://*:8", Variables: []Variable{{"ASPNETCORE_URLS", "http://localhost:4"}}, Profile: "a"},
			map[string]string{"A": "shell-shell-%NO%", "B": "profile", "C": "file", "ASPNETCORE_URLS": "https://*:9;http://*:8", "DOTNET_LAUNCH_PROFILE": "a", "GORUN_SERVER": "kestrel", "PORT": "8"}},
		{"no profile", settings(""), Request{NoProfile: true}, map[string]string{}},
		{"PORT of the user", profile(`"applicationUrl":"http://localhost:1","environmentVariables":{"PORT":"77"}`), Request{},
			map[string]string{"ASPNETCORE_URLS": "http://localhost:1", "DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel", "PORT": "77"}},
		{"https has no PORT", profile(`"applicationUrl":"https://localhost:1"`), Request{},
			map[string]string{"ASPNETCORE_URLS": "https://localhost:1", "DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel"}},
		{"no address", profile(`"launchUrl":""`), Request{}, map[string]string{"DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "kestrel"}},
		{"chosen server", profile(`"gorun":{"server":"mine"}`), Request{}, map[string]string{"DOTNET_LAUNCH_PROFILE": "A", "GORUN_SERVER": "mine"}},
	} {
		c.request.Environ = environ
		looked := Facts{}
		if strings.Contains(c.settings, "envFile") {
			looked = facts
		}
		plan, _, err := resolve(t, c.settings, c.request, looked)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if strings.Contains(c.settings, "envFile") && !c.request.NoProfile {
			if got := plan.Masked().Environ(); slices.Contains(got, "C=file") {
				t.Errorf("%s: a secret is shown", c.name)
			}
		}
		if diff := cmp.Diff(c.want, set(plan)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestWindowsNamesOfVariables(t *testing.T) {
	t.Parallel()
	request := Request{GOOS: "windows", Environ: []string{"=C:=C:\\x", "Path=C:\\bin", "Home=h"}}
	plan, _, err := resolve(t, profile(`"environmentVariables":{"PATH":"%home%;%PATH%"}`), request, Facts{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"=C:=C:\\x", "PATH=h;C:\\bin", "Home=h", "DOTNET_LAUNCH_PROFILE=A", "GORUN_SERVER=kestrel"}
	if diff := cmp.Diff(want, plan.Environ()); diff != "" {
		t.Error(diff)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings string
		environ  []string
		want     []string
		warning  string
	}{
		{profile(`"applicationUrl":"https://localhost:5001; http://localhost:5000;"`), nil, []string{"https://localhost:5001", "http://localhost:5000"}, ""},
		{profile(`"applicationUrl":"http://localhost:70000"`), nil, nil, "70000"},
		{profile(`"applicationUrl":"not a url"`), nil, nil, "the program gets it as it is"},
		{profile(`"launchUrl":"x"`), []string{"ASPNETCORE_URLS=http://localhost:1", "PORT=3"}, []string{"http://localhost:1"}, ""},
		{profile(`"launchUrl":"x"`), []string{"PORT=3"}, []string{"http://*:3"}, ""},
		{profile(`"launchUrl":"x"`), []string{"PORT=abc"}, []string{"http://localhost:5000"}, `PORT wants a port from 0 to 65535, not "abc"`},
		{profile(`"applicationUrl":"http://localhost:1/base;http://localhost:1/base"`), nil, []string{"http://localhost:1/base"}, "a server cannot listen on the path"},
		{profile(`"environmentVariables":{"HTTP_PORTS":"1;2","HTTPS_PORTS":"3"}`), nil, []string{"http://*:1", "http://*:2", "https://*:3"}, ""},
		{profile(`"environmentVariables":{"ASPNETCORE_HTTP_PORTS":"7","HTTP_PORTS":"8"}`), nil, []string{"http://*:7"}, ""},
		{profile(`"environmentVariables":{"DOTNET_URLS":"http://localhost:6","HTTP_PORTS":"8"}`), nil, []string{"http://localhost:6"}, ""},
		{profile(`"environmentVariables":{"PORT":"9"}`), nil, []string{"http://*:9"}, ""},
		{`{"profiles":{"A":{"commandName":"Executable","executablePath":"x","applicationUrl":"http://localhost:5"}}}`, nil, []string{"http://localhost:5"}, ""},
	} {
		plan, warnings, err := resolve(t, c.settings, Request{Environ: c.environ}, Facts{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range plan.Endpoints {
			got = append(got, e.URL)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.settings, diff)
		}
		if (c.warning == "") != (len(warnings) == 0) || !strings.Contains(strings.Join(warnings, "\n"), c.warning) {
			t.Errorf("%s: warnings %q", c.settings, warnings)
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	const file = `{"profiles":{"IIS Express":{"commandName":"IISExpress"},"x":1,"Dev":{"commandName":"Project"},"DEV":{"commandName":"Project"},"é":{"commandName":"Executable"},"Docker":{"commandName":"Docker"},"None":{}}}`
	for _, c := range []struct {
		name     string
		settings string
		profile  string
		want     string // the profile, or the error
	}{
		{"default", file, "", "Dev"},
		{"case outside ASCII", file, "É", `profile "é" has a problem, nothing was started`},
		{"ambiguous", file, "dev", `2 profiles are called "dev" when case is ignored, nothing was started`},
		{"unknown", file, "Deev", `there is no profile "Deev" in /p/launchSettings.json`},
		{"not an object", file, "x", `profile "x" has a problem, nothing was started`},
		{"Docker", file, "docker", `profile "Docker" has a problem, nothing was started`},
		{"no command", file, "None", `profile "None" has a problem, nothing was started`},
		{"module", file, "iis express", "IIS Express"},
		{"no file", "", "Dev", `there is no profile "Dev", because there is no settings file`},
		{"broken", "{", "", "/p/launchSettings.json cannot be used, nothing was started"},
		{"none runs", `{"profiles":{"D":{"commandName":"Docker"}}}`, "", ""},
	} {
		var s launchsettings.Settings
		if c.settings != "" {
			s = launchsettings.Parse("/p/launchSettings.json", []byte(c.settings))
		}
		choice, err := Select(s, Request{Profile: c.profile})
		got := choice.Profile.Name
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		lenient, err := Select(s, Request{Profile: c.profile, Lenient: true})
		if err != nil || lenient.Applied != choice.Applied || !lenient.Applied && len(lenient.Warnings) == 0 {
			t.Errorf("%s: --lenient gives %+v, %v", c.name, lenient, err)
		}
	}
}

func TestExecutable(t *testing.T) {
	t.Parallel()
	const file = `{"profiles":{"A":{"commandName":"Executable","executablePath":"%TOOL%","commandLineArgs":"a \"b c\"","workingDirectory":"sub"}}}`
	request := Request{Environ: []string{"TOOL=./bin/tool"}}
	s := launchsettings.Parse("/p/Properties/launchSettings.json", []byte(file))
	choice, err := Select(s, request)
	if err != nil {
		t.Fatal(err)
	}
	request.Dir, request.Project = "/here", "/p"
	needs := choice.Needs(request)
	if diff := cmp.Diff(Needs{Programs: []string{"/here/bin/tool"}, Dir: "/p/Properties/sub"}, needs); diff != "" {
		t.Error(diff)
	}
	plan, _, err := choice.Resolve(request, Facts{Program: "/here/bin/tool"})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Program.Value != "/here/bin/tool" || plan.Dir.Value != "/p/Properties/sub" || !slices.Equal(plan.Args.Value, []string{"a", "b c"}) {
		t.Errorf("got %+v", plan)
	}
	_, _, err = choice.Resolve(request, Facts{ProgramErr: errors.New("gone"), DirErr: errors.New("gone")})
	if broken, ok := errors.AsType[*ProfileError](err); !ok || len(broken.Problems) != 2 {
		t.Errorf("want both problems, got %v", err)
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	const base = `"applicationUrl":"http://*:5000","launchBrowser":true`
	for _, c := range []struct {
		properties string
		request    Request
		open       bool
		url        string
	}{
		{base, Request{Interactive: true}, true, "http://localhost:5000"},
		{base + `,"launchUrl":"/swagger"`, Request{Interactive: true}, true, "http://localhost:5000/swagger"},
		{base + `,"launchUrl":"https://example.com/x"`, Request{Interactive: true}, true, "https://example.com/x"},
		{base, Request{}, false, "http://localhost:5000"},
		{base, Request{Interactive: true, NoBrowser: true}, false, "http://localhost:5000"},
		{`"launchBrowser":true`, Request{Interactive: true}, true, "http://localhost:5000"},
		{`"launchBrowser":true,"applicationUrl":"http://unix:/run/x.sock"`, Request{Interactive: true}, false, ""},
		{`"launchBrowser":true,"applicationUrl":"http://localhost:0"`, Request{Interactive: true}, true, ""},
	} {
		plan, _, err := resolve(t, profile(c.properties), c.request, Facts{})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Browser.Open.Value != c.open || plan.Browser.URL != c.url {
			t.Errorf("%s: got %v %q, want %v %q", c.properties, plan.Browser.Open.Value, plan.Browser.URL, c.open, c.url)
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	plan, _, err := resolve(t, profile(`"applicationUrl":"http://localhost:5000","gorun":{"configuration":"Release","stop":{"timeout":"3s"}}`), Request{}, Facts{})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Build.Configuration.Origin.String(); got != "gorun.configuration, /p/Properties/launchSettings.json:1:109" {
		t.Errorf("got %s", got)
	}
	if plan.Stop.Timeout.Value != 3*time.Second || plan.Server.Origin.String() != "default" {
		t.Errorf("got %+v", plan)
	}
}

func FuzzPathRules(f *testing.F) {
	f.Add("C:\\x", "..\\y", true)
	f.Add("/p", "a/../../b", false)
	f.Add("C:/p", "0:/", true)
	f.Add("C:/p", `/\x/..`, true)
	f.Fuzz(func(t *testing.T, dir, name string, windows bool) {
		rules := pathRules("linux")
		if windows {
			rules = "windows"
		}
		if joined := rules.join(dir, name); rules.isAbs(name) && !rules.isAbs(joined) {
			t.Errorf("%q became relative: %q", name, joined)
		}
	})
}

func TestNoMessageShowsAValueOfAnEnvFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ASPNETCORE_URLS", "DOTNET_URLS", "HTTP_PORTS", "PORT"} {
		facts := Facts{EnvFiles: []EnvFile{{Path: "/p/.env", Entries: []EnvEntry{{Name: name, Value: "hunter2", Line: 3}}}}}
		_, warnings, err := resolve(t, profile(`"gorun":{"envFile":".env"}`), Request{}, facts)
		if err != nil || len(warnings) != 1 {
			t.Errorf("%s: want one warning, got %q, %v", name, warnings, err)
		}
		if text := strings.Join(warnings, "\n"); strings.Contains(text, "hunter2") {
			t.Errorf("%s: a secret is shown: %s", name, text)
		}
	}
}

func TestProblemsOfIISSettingsConcernOnlyItsProfiles(t *testing.T) {
	t.Parallel()
	const file = `{"iisSettings":{"iisExpress":{"sslPort":"x"}},"profiles":{"A":{"commandName":"Project"},"B":{"commandName":"IISExpress"}}}`
	if _, _, err := resolve(t, file, Request{Profile: "A"}, Facts{}); err != nil {
		t.Errorf("a Project profile is refused: %v", err)
	}
	if _, _, err := resolve(t, file, Request{Profile: "B"}, Facts{}); err == nil {
		t.Error("an IISExpress profile is not refused")
	}
}
