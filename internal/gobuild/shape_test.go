package gobuild

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/stamp"
)

// Only what can change of which files a program is made makes another head.
func TestHead(t *testing.T) {
	t.Parallel()
	const base = "//go:build linux\n\npackage p\n\n/*\n#cgo LDFLAGS: -lm\n*/\nimport \"C\"\n\nimport \"fmt\"\n\n//go:embed a.txt\nvar a string\n\nfunc f() { fmt.Println(a) }\n"
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"Println(a)", "Print(a, a)", true},
		{"func f()", "// f is new.\n\nfunc f()", true},
		{"fmt\"\n", "fmt\"\nimport \"os\"\n", false},
		{"linux", "darwin", false},
		{"-lm", "-lz", false},
		{"package p", "package q", false},
		{"embed a.txt", "embed b.txt", false},
		{"func f()", "//go:embed b.txt\nvar b string\n\nfunc f()", false},
		{"//go:embed a.txt", "", false},
		{"import \"fmt\"", "import fmt", false},
	} {
		after := strings.Replace(base, c.old, c.new, 1)
		if after == base {
			t.Fatalf("%q is not in the file", c.old)
		}
		if same := headOf([]byte(base)) == headOf([]byte(after)); same != c.same {
			t.Errorf("%q in the place of %q: the same head: %v", c.new, c.old, same)
		}
	}
	for _, whole := range []string{"", "package", "import x"} {
		if headOf([]byte(whole)) == headOf([]byte(whole+" ")) {
			t.Errorf("%q has a head", whole)
		}
	}
	if headOf([]byte("package p\n")) != headOf([]byte("package p\nvar x = 1")) {
		t.Error("a variable changed the head")
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, name string
		want       stamp.Reach
	}{
		{rulePackage, "x.go", stamp.ReachPart},
		{"", "/src/main.go", stamp.ReachPart},
		{rulePackage, "x.s", stamp.ReachNone},
		{rulePackage, "go.mod", stamp.ReachAll},
		{"", "/src/go.sum", stamp.ReachAll},
		{ruleEmbed + `"static"`, "static/x.go", stamp.ReachNone},
		{ruleEmbed + `"static"`, "static/index.html", stamp.ReachNone},
	} {
		if got := reach(c.rule, c.name); got != c.want {
			t.Errorf("%q %s: %v, want %v", c.rule, c.name, got, c.want)
		}
	}
}

// The go command is asked for the program's packages only where they may be others.
func TestListsOnlyWhenNeeded(t *testing.T) {
	t.Parallel()
	if isWindows() {
		t.Skip("needs a shell script as the go command")
	}
	s := newSite(t, plainSite, "m")
	goCommand, err := exec.LookPath("go")
	s.check(err)
	s.write("bin/go", "#!/bin/sh\necho $1 >>"+s.path("calls")+"\nexec "+goCommand+" \"$@\"\n")
	s.check(os.Chmod(s.path("bin/go"), 0o755))
	s.vars["PATH"] = s.path("bin") + ":" + os.Getenv("PATH")
	lists := func() int { return strings.Count(s.text("calls"), "list\n") }
	s.mustBuild()
	first := lists()
	if first != 1 {
		t.Errorf("%d lists for the first build", first)
	}
	s.replace("m/main.go", "v0000", "v0001")
	var kinds []event.Kind
	s.check(s.build(func(e event.Event) { kinds = append(kinds, e.Kind) }))
	if len(kinds) != 2 || lists() != first {
		t.Errorf("after an edit: %v, %d lists", kinds, lists()-first)
	}
	s.replace("m/main.go", "import", "import _ \"unsafe\"\n\nimport")
	s.mustBuild()
	if lists() != first+1 {
		t.Errorf("after a new import: %d lists", lists()-first)
	}
	if reasons := s.why(); len(reasons) > 0 {
		t.Errorf("afterwards: %q", reasons)
	}
}
