package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The oracle is what the real `dotnet run` did, see docs/differences.md. Each of its cases is run here by the real
// gorun with the probe of testdata/apps, and must give the program the same arguments, directory and environment,
// or be refused for the same cause, or stand in the table of differences.

// difference is one way in which gorun decides otherwise on purpose. The table is also in docs/differences.md, and a
// test compares the two.
type difference struct {
	what, why string
	cases     []string // ids of the matrix
	refusal   string   // or what dotnet says to it, a regular expression: gorun applies the profile
	message   string   // what gorun says, a regular expression; "" when it starts the program
	status    int      // when there is a message
	args      []string // what the program gets otherwise, when it is started
	env       map[string]string
}

var differences = []difference{
	{
		what:  "An option that gorun does not know is an error (exit 2), which says how to hand it to the program.",
		why:   "A mistyped option would otherwise reach the program, and silently replace the profile's arguments.",
		cases: []string{"nolp-args", "args-nolpa", "args-nolpa-cli"}, message: `there is no flag --no-launch-profile-arguments`, status: 2,
	},
	{
		what:  "Flags end at the first argument: what follows belongs to the program.",
		why:   "As with go run; an option of the program's own must not be taken for one of gorun's.",
		cases: []string{"args-option-after-positional"},
		args:  []string{"x", "--launch-profile", "Nope"}, env: map[string]string{"DOTNET_LAUNCH_PROFILE": "A"},
	},
	{
		what:  "Wrong use of the command line is exit status 2, not 1.",
		why:   "Scripts can tell it from a program that could not be started.",
		cases: []string{"env-e-parse-02", "env-e-parse-12"}, message: `gorun: `, status: 2,
	},
	{
		what:  "launchSettings.json in the project folder is read, after the one in Properties.",
		why:   "Go projects have no Properties folder.",
		cases: []string{"place-root"}, env: map[string]string{"DOTNET_LAUNCH_PROFILE": "First", "WHO": "first"},
	},
	{
		what:  "A folder where the settings file should be is an error.",
		why:   "A file that is there and cannot be read must not be passed over.",
		cases: []string{"place-dir"}, message: `this is a folder`, status: 1,
	},
	{
		what:    "Trailing commas and comments are accepted inside the selected profile too.",
		why:     "Visual Studio and all editors accept them; dotnet run accepts them everywhere else.",
		refusal: `contains a trailing comma at the end which is not supported|'/' is an invalid start of a property name|'/' is invalid after a value`,
	},
	{
		what:  `"dotnetRunMessages": "true" is accepted.`,
		why:   "Visual Studio writes and reads it, and nothing depends on it.",
		cases: []string{`type-dotnetRunMessages-"true"`}, env: map[string]string{"DOTNET_LAUNCH_PROFILE": "A"},
		refusal: `could not be converted to System.Boolean. Path: \$.dotnetRunMessages`,
	},
	{
		what:  `"environmentVariables": null means no variables.`,
		why:   "dotnet run crashes on it. A null value inside is an error with its place.",
		cases: []string{"env-null"}, env: map[string]string{"DOTNET_LAUNCH_PROFILE": "A"},
	},
	{
		what: "A profile that was named and cannot be applied, the default one when its content is broken, and a file that cannot be read are errors (exit 1): nothing is started. --lenient runs the program without a profile, as dotnet run does.",
		why:  "Running a program with the wrong environment is worse than not running it.",
	},
}

// causes are the reasons of dotnet run for not applying a profile, and what gorun says for the same cause.
var causes = []struct{ dotnet, gorun string }{
	{`A launch profile with the name '.*' doesn't exist`, `there is no profile "`},
	{`The launch profile type '.*' is not supported`, `gorun cannot run the command "`},
	{`A usable launch profile could not be located`, `there is no "commandName" in this profile`},
	{`isn't a valid JSON object`, `wants an object, not`},
	{`The 'profiles' property of the launch settings document is not a JSON object`, `there is no "profiles" in this file|"profiles" wants an object|the file wants an object`},
	{`There are several launch profiles with case-sensitive names`, `profiles are called ".*" when case is ignored`},
	{`missing required properties including: 'executablePath'`, `an Executable profile needs "executablePath"`},
	{`An error was encountered when reading`, `\.json:\d+:\d+: `},
}

type oracleFile struct {
	Text   *string `json:"text"`
	Base64 *string `json:"base64"`
}

// oracleRun is a run of dotnet.
type oracleRun struct {
	Exit    int               `json:"exit"`
	Stdout  string            `json:"stdout"`
	Stderr  string            `json:"stderr"`
	Started bool              `json:"started"`
	Args    []string          `json:"args"`
	Cwd     string            `json:"cwd"`
	EnvSet  map[string]string `json:"env_set"`
}

// oracleCase is one command with what dotnet did.
type oracleCase struct {
	id     string
	files  map[string][]byte
	args   []string
	env    map[string]string
	dotnet oracleRun
}

func TestOracle(t *testing.T) {
	shared := sharedFolder(t)
	o := newOracle(t)
	var count, same, refused, different int
	cases := append(o.matrix(t, shared), o.corpus(t, shared)...)
	for _, d := range differences {
		for _, id := range d.cases {
			if !slices.ContainsFunc(cases, func(c oracleCase) bool { return c.id == id }) {
				t.Errorf("the table of differences names the case %s, which is not there", id)
			}
		}
	}
	for _, c := range cases {
		count++
		switch outcome := o.check(t, c); outcome {
		case "same":
			same++
		case "refused":
			refused++
		case "different":
			different++
		}
		if t.Failed() && count > 40 && testing.Short() {
			break
		}
	}
	fmt.Printf("count: oracle: %d cases of dotnet run: %d the same, %d refused for the same cause, %d different as documented\n", count, same, refused, different)
}

// sharedFolder holds the oracle and the corpus, which are not part of the repository.
func sharedFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("GORUN_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "oracle", "matrix.jsonl")); err != nil {
		missing(t, "the oracle is not at hand: set GORUN_SHARED to its folder")
	}
	return dir
}

// oracle is where the cases are run: a project called probe, built once.
type oracle struct {
	gorun, project, probe, home, cache, record string
}

func newOracle(t *testing.T) *oracle {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{
		gorun: gorunBinary(t), project: filepath.Join(dir, "project"), home: filepath.Join(dir, "home"),
		cache: filepath.Join(dir, "cache"), record: filepath.Join(dir, "record.json"),
	}
	writeFiles(t, o.project, map[string][]byte{"go.mod": []byte("module probe\n\ngo 1.26\n")})
	if err := os.CopyFS(o.project, os.DirFS(filepath.Join("..", "..", "testdata", "apps", "probe"))); err != nil {
		t.Fatal(err)
	}
	build := exec.Command(o.gorun, "build", "--no-launch-profile")
	build.Dir = o.project
	build.Env = append(os.Environ(), "GORUN_CACHE="+o.cache)
	build.Stderr = os.Stderr
	out, err := build.Output()
	if err != nil {
		t.Fatalf("gorun build: %v", err)
	}
	o.probe = strings.TrimSpace(string(out))
	return o
}

// matrix are the cases that were made for one question each.
func (o *oracle) matrix(t *testing.T, shared string) []oracleCase {
	var out []oracleCase
	for line := range jsonLines(t, filepath.Join(shared, "oracle", "matrix.jsonl")) {
		var c struct {
			ID     string
			Files  map[string]oracleFile
			Args   []string
			Env    map[string]string
			Dotnet oracleRun
		}
		o.decode(t, line, &c)
		files := map[string][]byte{}
		for name, f := range c.Files {
			if f.Text != nil {
				files[name] = []byte(*f.Text)
				continue
			}
			data, err := base64.StdEncoding.DecodeString(*f.Base64)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = data
		}
		out = append(out, oracleCase{c.ID, files, c.Args, c.Env, c.Dotnet})
	}
	return out
}

var executablePath = regexp.MustCompile(`("executablePath"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// corpus are the real files, with each of their profiles.
func (o *oracle) corpus(t *testing.T, shared string) []oracleCase {
	var out []oracleCase
	for line := range jsonLines(t, filepath.Join(shared, "oracle", "corpus.jsonl")) {
		var c struct {
			N        string
			Replaced int `json:"executablePathReplaced"`
			Default  oracleRun
			ByName   map[string]oracleRun
		}
		o.decode(t, line, &c)
		data, err := os.ReadFile(filepath.Join(shared, "corpus", "files", c.N+".json"))
		if err != nil {
			t.Fatal(err)
		}
		quoted, _ := json.Marshal(o.probe)
		data = executablePath.ReplaceAll(data, append([]byte("${1}"), quoted...))
		files := map[string][]byte{"Properties/launchSettings.json": data}
		out = append(out, oracleCase{id: "corpus-" + c.N, files: files, dotnet: c.Default})
		for _, name := range slices.Sorted(maps.Keys(c.ByName)) {
			out = append(out, oracleCase{
				id: "corpus-" + c.N + "-" + name, files: files, args: []string{"--launch-profile", name}, dotnet: c.ByName[name],
			})
		}
	}
	return out
}

// decode reads a line with real paths in the place of its placeholders.
func (o *oracle) decode(t *testing.T, line []byte, into any) {
	for placeholder, path := range map[string]string{"<project>": o.project, "<probedir>/probe": o.probe, "<home>": o.home} {
		line = bytes.ReplaceAll(line, []byte(placeholder), []byte(path))
	}
	if err := json.Unmarshal(line, into); err != nil {
		t.Fatal(err)
	}
}

// gorunRun is a run of gorun: what the program recorded, if it was started.
type gorunRun struct {
	status         int
	stdout, stderr string
	started        bool
	Args           []string          `json:"args"`
	Cwd            string            `json:"cwd"`
	Env            map[string]string `json:"env"`
}

// place makes the project as the case has it.
func (o *oracle) place(t *testing.T, c oracleCase) {
	t.Helper()
	entries, err := os.ReadDir(o.project)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "go.mod" && filepath.Ext(e.Name()) != ".go" {
			if err := os.RemoveAll(filepath.Join(o.project, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeFiles(t, o.project, c.files)
	_ = os.Remove(o.record)
}

func (o *oracle) run(t *testing.T, c oracleCase) gorunRun {
	t.Helper()
	o.place(t, c)
	cmd := exec.Command(o.gorun, append([]string{"--no-build"}, c.args...)...)
	cmd.Dir = o.project
	cmd.Env = o.environ(c)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := gorunRun{status: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	data, err := os.ReadFile(o.record)
	if err != nil {
		return r
	}
	r.started = true
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// environ is the base environment of the oracle, and what gorun and the probe need.
func (o *oracle) environ(c oracleCase) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + o.home, "LANG=C.UTF-8",
		"ORACLE_VAR=inherited-value", "ASPNETCORE_ENVIRONMENT=FromShell",
		"GORUN_CACHE=" + o.cache, "GORUN_RUN_DIR=" + filepath.Join(o.home, "run"), "PROBE_OUT=" + o.record,
	}
	for name, value := range c.env {
		env = append(env, name+"="+value)
	}
	return env
}

// check runs one case and compares. It returns "same", "refused" or "different".
func (o *oracle) check(t *testing.T, c oracleCase) string {
	t.Helper()
	if forFront.MatchString(c.dotnet.Stderr) {
		return o.checkFront(t, c)
	}
	got := o.run(t, c)
	fail := func(format string, args ...any) string {
		t.Helper()
		t.Errorf("%s %q: %s\ngorun: status %d, started %v\n%s\ndotnet: status %d\n%s",
			c.id, c.args, fmt.Sprintf(format, args...), got.status, got.started, got.stderr, c.dotnet.Exit, c.dotnet.Stderr)
		return "failed"
	}
	for _, d := range differences {
		if slices.Contains(d.cases, c.id) {
			if diff := o.asDocumented(c, d, got); diff != "" {
				return fail("documented as different, and different from that: %s", diff)
			}
			return "different"
		}
	}
	_, reason, notApplied := strings.Cut(c.dotnet.Stderr, "could not be applied.")
	if notApplied && got.started && got.Env["DOTNET_LAUNCH_PROFILE"] != "" {
		for _, d := range differences {
			if d.refusal != "" && regexp.MustCompile(d.refusal).MatchString(reason) {
				return "different"
			}
		}
	}
	defaulted := strings.Contains(c.dotnet.Stderr, `"(Default)"`) && strings.Contains(reason, "A usable launch profile could not be located")
	switch {
	case notApplied && !defaulted:
		if got.started || got.status != 1 {
			return fail("want it refused")
		}
		for _, cause := range causes {
			if regexp.MustCompile(cause.dotnet).MatchString(reason) {
				if !regexp.MustCompile(cause.gorun).MatchString(got.stderr) {
					return fail("want the cause %q", cause.gorun)
				}
				return "refused"
			}
		}
		return fail("dotnet has a reason that the test does not know")
	case strings.Contains(c.dotnet.Stderr, "launch settings file could not be located") || strings.Contains(c.dotnet.Stderr, "Could not locate"):
		if got.started || got.status != 1 || !strings.Contains(got.stderr, "there is no settings file") {
			return fail("want it refused for want of a file")
		}
		return "refused"
	case !c.dotnet.Started:
		if got.started || got.status != c.dotnet.Exit {
			return fail("want status %d", c.dotnet.Exit)
		}
		return "same"
	}
	if diff := o.compare(c, c.dotnet, got); diff != "" {
		return fail("%s", diff)
	}
	return "same"
}

// forFront is what dotnet says to a profile that gorun runs with the module in front.
var forFront = regexp.MustCompile(`The launch profile type '(IISExpress|IIS)' is not supported`)

// checkFront has gorun plan such a profile: run, it would stay. Where the file names no address that can be listened on, it is
// refused with the place.
func (o *oracle) checkFront(t *testing.T, c oracleCase) string {
	t.Helper()
	o.place(t, c)
	cmd := exec.Command(o.gorun, append([]string{"plan"}, c.args...)...)
	cmd.Dir, cmd.Env = o.project, o.environ(c)
	out, err := cmd.CombinedOutput()
	if err == nil && regexp.MustCompile(`(?m)^server +module `).Match(out) {
		return "different"
	}
	t.Errorf("%s %q: want it planned with the module in front\n%s", c.id, c.args, out)
	return "failed"
}

// asDocumented says how what gorun did differs from what stands in the table.
func (o *oracle) asDocumented(c oracleCase, d difference, got gorunRun) string {
	if d.message == "" {
		return o.compare(c, oracleRun{Args: d.args, Cwd: o.project, EnvSet: d.env}, got)
	}
	if got.started || got.status != d.status || !regexp.MustCompile(d.message).MatchString(got.stderr) {
		return fmt.Sprintf("want status %d and %q", d.status, d.message)
	}
	return ""
}

// compare says how what the program got differs from what dotnet gave it, leaving out what gorun adds of its own.
func (o *oracle) compare(c oracleCase, want oracleRun, got gorunRun) string {
	if !got.started {
		return "the program was not started"
	}
	var out strings.Builder
	if want.Exit != got.status {
		fmt.Fprintf(&out, "exit status %d, want %d\n", got.status, want.Exit)
	}
	if diff := cmp.Diff(want.Args, got.Args, cmpopts.EquateEmpty()); diff != "" {
		fmt.Fprintf(&out, "arguments (-dotnet +gorun):\n%s", diff)
	}
	if want.Cwd != got.Cwd {
		fmt.Fprintf(&out, "directory %s, want %s\n", got.Cwd, want.Cwd)
	}
	env := map[string]string{}
	for name, value := range got.Env {
		env[name] = value
	}
	for _, kv := range o.environ(c) {
		name, value, _ := strings.Cut(kv, "=")
		if v, ok := env[name]; !ok {
			fmt.Fprintf(&out, "the inherited %s is missing\n", name)
		} else if v == value {
			delete(env, name)
		}
	}
	for _, own := range []string{"GORUN_SERVER", "PORT"} {
		if _, ok := want.EnvSet[own]; !ok {
			delete(env, own)
		}
	}
	if diff := cmp.Diff(want.EnvSet, env, cmpopts.EquateEmpty()); diff != "" {
		fmt.Fprintf(&out, "environment (-dotnet +gorun):\n%s", diff)
	}
	if !strings.Contains(got.stdout, "probe-stdout") || strings.Contains(got.stdout, "gorun") {
		fmt.Fprintf(&out, "stdout is not the program's: %q\n", got.stdout)
	}
	return out.String()
}

// jsonLines yields the lines of a file.
func jsonLines(t *testing.T, path string) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			if !yield(bytes.Clone(lines.Bytes())) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDifferencesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		row := "| " + d.what + " | " + d.why + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/differences.md wants the row\n%s", row)
		}
	}
}
