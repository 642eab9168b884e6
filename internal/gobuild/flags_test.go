package gobuild

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	const (
		own   = "-gcflags=example.com/m/...=-N -l"
		dwarf = "-ldflags=-compressdwarf=false"
	)
	module := Target{Dir: "/m/cmd", Name: "cmd", ModuleDir: "/m", ModulePath: "example.com/m"}
	work := module
	work.Workspace = []Module{{"/m", "example.com/m"}, {"/lib", "example.com/lib"}}
	files := module
	files.Files = []string{"/m/cmd/a.go"}
	loose := Target{Dir: "/x", Name: "a", Files: []string{"/x/a.go"}}
	release := func(flags ...string) Options { return Options{Configuration: Release, BuildFlags: flags} }
	debug := func(flags ...string) Options { return Options{BuildFlags: flags} }

	tests := []struct {
		name    string
		target  Target
		options Options
		goflags string
		want    []string
	}{
		{"debug", module, debug(), "", []string{own, "-buildvcs=false", dwarf}},
		{"debug by name", module, Options{Configuration: Debug}, "", []string{own, "-buildvcs=false", dwarf}},
		{"workspace", work, debug(), "", []string{own, "-gcflags=example.com/lib/...=-N -l", "-buildvcs=false", dwarf}},
		{"files", files, debug(), "", []string{"-gcflags=command-line-arguments=-N -l", own, "-buildvcs=false", dwarf}},
		{"files outside a module", loose, debug(), "", []string{"-gcflags=command-line-arguments=-N -l", "-buildvcs=false", dwarf}},
		{"no module line", Target{ModuleDir: "/m"}, debug(), "", []string{"-gcflags=-N -l", "-buildvcs=false", dwarf}},
		{"dependencies", module, Options{DebugDependencies: true}, "", []string{"-gcflags=all=-N -l", "-buildvcs=false", dwarf}},
		{"release", module, release(), "", []string{"-trimpath", "-ldflags=-s -w"}},
		{"release of dependencies", module, Options{Configuration: Release, DebugDependencies: true}, "", []string{"-trimpath", "-ldflags=-s -w"}},

		{"others follow", module, debug("-race", "-mod", "vendor", "-p=2"), "-v", []string{own, "-buildvcs=false", dwarf, "-race", "-mod", "vendor", "-p=2"}},
		{"stamp by flag", module, debug("-buildvcs=true"), "", []string{own, "-buildvcs=false", dwarf, "-buildvcs=true"}},
		{"stamp by GOFLAGS", module, debug(), "-buildvcs=auto", []string{own, "-buildvcs=auto", dwarf}},
		{"stamp by GOFLAGS, bare", module, debug(), "-buildvcs", []string{own, "-buildvcs=true", dwarf}},
		{"no trimpath by GOFLAGS", module, release(), "-trimpath=false", []string{"-ldflags=-s -w"}},

		{"ldflags of GOFLAGS in debug", module, debug(), "-ldflags=-s", []string{own, "-buildvcs=false", dwarf + " -s"}},
		{"ldflags of both in debug", module, debug("-ldflags=-X b=2"), "'-ldflags=-X a=1'", []string{own, "-buildvcs=false", dwarf + " -X a=1 -X b=2"}},
		{"ldflags of both in release", module, release("-ldflags", "-X b=2"), `"-ldflags=-X a=1"`, []string{"-trimpath", "-ldflags=-s -w -X a=1 -X b=2"}},
		{"ldflags with a pattern", module, release("-ldflags=all=-X b=2"), "-ldflags=-v", []string{"-trimpath", "-ldflags=-s -w -v", "-ldflags=all=-s -w -X b=2"}},
		{"symbols kept", module, release("-ldflags=-s=false"), "", []string{"-trimpath", "-ldflags=-s -w -s=false"}},
		{"ldflags forgotten", module, release("-ldflags=", "--ldflags=-X b=2"), "-ldflags=-v", []string{"-trimpath", "-ldflags=-s -w -X b=2"}},

		{"gcflags for the target", module, debug("-gcflags=-m"), "", []string{own, "-gcflags=-N -l -m", "-buildvcs=false", dwarf}},
		{"gcflags for all", module, debug("-gcflags=all=-m"), "", []string{"-gcflags=all=-m", own + " -m", "-buildvcs=false", dwarf}},
		{"gcflags around", module, debug("-gcflags=example.com/...=-m"), "", []string{"-gcflags=example.com/...=-m", own + " -m", "-buildvcs=false", dwarf}},
		{"gcflags inside", module, debug("-gcflags=example.com/m/store=-m"), "", []string{own, "-gcflags=example.com/m/store=-N -l -m", "-buildvcs=false", dwarf}},
		{"gcflags relative", module, debug("-gcflags=./...=-m"), "", []string{own, "-gcflags=./...=-N -l -m", "-buildvcs=false", dwarf}},
		{"gcflags outside", module, debug("-gcflags=fmt=-m"), "", []string{own, "-gcflags=fmt=-m", "-buildvcs=false", dwarf}},
		{"gcflags of a neighbour", module, debug("-gcflags=example.com/more=-m"), "", []string{own, "-gcflags=example.com/more=-m", "-buildvcs=false", dwarf}},
		{"gcflags of both", module, debug("-gcflags=all=-d=checkptr"), "-gcflags=all=-m", []string{"-gcflags=all=-m -d=checkptr", own + " -m -d=checkptr", "-buildvcs=false", dwarf}},
		{"gcflags with dependencies", module, Options{DebugDependencies: true, BuildFlags: []string{"-gcflags=fmt=-m"}}, "",
			[]string{"-gcflags=all=-N -l", "-gcflags=fmt=-N -l -m", "-buildvcs=false", dwarf}},
		{"gcflags in release", module, release("-gcflags=-m"), "-gcflags=all=-d=checkptr", []string{"-gcflags=all=-d=checkptr", "-gcflags=-m", "-trimpath", "-ldflags=-s -w"}},

		{"tags of GOFLAGS", module, debug(), "-tags=a", []string{own, "-buildvcs=false", dwarf}},
		{"tags of both", module, debug("-tags=b,c", "-tags", "a d"), "-tags=a", []string{own, "-buildvcs=false", dwarf, "-tags=a,b,c,d"}},
		{"tags forgotten", module, debug("-tags=", "-tags=b"), "-tags=a", []string{own, "-buildvcs=false", dwarf, "-tags=b"}},
		{"malformed GOFLAGS", module, debug(), "'-tags=a", []string{own, "-buildvcs=false", dwarf}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Env = []string{"GOENV=off", "GOFLAGS=" + tt.goflags}
			if diff := cmp.Diff(tt.want, Flags(tt.target, tt.options)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckFlags(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "-race", "-tags x -v", "--ldflags=-s", "-ldflags -n", "-buildmode=pie", "-p 3"} {
		if err := checkFlags(strings.Fields(good), nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"-race -o x":        "build flag -o: gorun decides where the binary lies",
		"--C=/":             "build flag -C: gorun decides where the go command runs",
		"-v ./cmd/x":        "build flag ./cmd/x: it does not begin with a dash and a name",
		"-v -- -race":       "build flag --: it does not begin with a dash and a name",
		"-new -o x":         "build flag -o: gorun decides where the binary lies",
		"-buildmode plugin": "build flag -buildmode=plugin: it does not make a program",
		"-json":             "build flag -json: gorun reads what the compiler prints for people",
	} {
		err := checkFlags(strings.Fields(bad), nil)
		if _, ok := errors.AsType[*FlagError](err); !ok || err.Error() != want {
			t.Errorf("%s: %v, want %s", bad, err, want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                        nil,
		"  -a\t-b=c  ":            {"-a", "-b=c"},
		`'-ldflags=-X a=1' -race`: {"-ldflags=-X a=1", "-race"},
		`"-tags=a b"-v`:           {"-tags=a b", "-v"},
		`-ldflags='-s`:            {"-ldflags='-s"},
		`''`:                      {""},
	} {
		got, ok := splitWords(in)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%q: ok %v (-want +got):\n%s", in, ok, diff)
		}
	}
	if words, ok := splitWords(`-a "-b`); ok {
		t.Errorf("an open quote gave %q", words)
	}
}

// Whatever the user gives: gorun's own flags hold, and where the binary lies cannot be changed.
func FuzzFlags(f *testing.F) {
	f.Add("-race -tags a,b", "-ldflags=-X a=1 -gcflags=all=-m")
	f.Add("'-ldflags=all=-s' -gcflags=", "-gcflags ...=-N -tags -o")
	f.Fuzz(func(t *testing.T, goflags, buildFlags string) {
		target := Target{ModuleDir: "/m", ModulePath: "example.com/m"}
		for _, c := range []Configuration{Debug, Release} {
			o := Options{Configuration: c, BuildFlags: strings.Fields(buildFlags), Env: []string{"GOENV=off", "GOFLAGS=" + goflags}}
			flags := Flags(target, o)
			line := strings.Join(flags, " ")
			if c == Debug && !strings.Contains(line, "example.com/m/...=-N -l") {
				t.Errorf("own packages are not compiled for the debugger: %s", line)
			}
			if c == Release && !strings.Contains(line, "-ldflags=-s -w") {
				t.Errorf("not stripped: %s", line)
			}
			i := slices.Index(flags, "-o")
			if err := checkFlags(o.BuildFlags, nil); err == nil && i >= 0 && !strings.HasSuffix(flags[i-1], "flags") {
				t.Errorf("an output is named: %q", flags)
			}
		}
	})
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	dir := unpack(t, `
-- go/env --
# a comment
GOFLAGS=-tags=file
GOFLAGS=-tags=later
gowork=off
GOOS=plan9
nothing
`)
	file := "GOENV=" + dir + "/go/env"
	tests := []struct {
		vars      []string
		key, want string
	}{
		{[]string{file}, "GOFLAGS", "-tags=file"},
		{[]string{file, "GOFLAGS=-v"}, "GOFLAGS", "-v"},
		{[]string{file, "GOFLAGS=-v", "GOFLAGS=-x"}, "GOFLAGS", "-x"},
		{[]string{file, "GOFLAGS="}, "GOFLAGS", "-tags=file"},
		{[]string{file}, "gowork", ""},
		{[]string{"GOENV=off", "HOME=" + dir}, "GOFLAGS", ""},
		{[]string{"GOENV=" + dir + "/none"}, "GOFLAGS", ""},
		{[]string{"XDG_CONFIG_HOME=" + dir, "AppData=" + dir}, "GOFLAGS", "-tags=file"},
		{[]string{}, "GOFLAGS", ""},
	}
	for _, tt := range tests {
		if got := newEnvironment(tt.vars).get(tt.key); got != tt.want {
			t.Errorf("%q: %s is %q, want %q", tt.vars, tt.key, got, tt.want)
		}
	}
	if goos, goarch := newEnvironment([]string{file, "GOARCH=arm64"}).platform(); goos+"/"+goarch != "plan9/arm64" {
		t.Errorf("platform %s/%s", goos, goarch)
	}
}
