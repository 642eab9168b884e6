package gobuild

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// What changes between the compiler's end and the stamp is in the stamp with a content that is not in the binary,
// unless the stamp leaves it out.
func TestStaleDuringTheBuild(t *testing.T) {
	t.Parallel()
	if isWindows() {
		t.Skip("needs a shell script as the go command")
	}
	edits := []struct{ name, script string }{
		{"edited", "echo 'var x = func() int { println(1); return 1 }()' >>m/inner/inner.go"},
		{"same size and time", "cp -p m/inner/inner.go ref; sed -i s/v0000/v0001/ m/inner/inner.go; touch -r ref m/inner/inner.go"},
		{"main package", "sed -i s/v0000/v0001/ m/main.go"},
		{"new", "printf 'package inner\\n\\nfunc init() { println(1) }\\n' >m/inner/new.go"},
		{"new in the main package", "printf 'package main\\n\\nfunc init() { println(1) }\\n' >m/new.go"},
		{"gone", "rm m/inner/other.go"},
		{"another one renamed over it", "mv outside/er.go m/deep/er/er.go"},
		{"another one linked over it", "ln -sf ../../../outside/er.go m/deep/er/er.go"},
		{"another folder", "mv m/deep/er x; mv outside/deep/er m/deep/er"},
		{"another folder above", "mv m/deep x; mv outside/deep m/deep"},
		{"link of a folder leads elsewhere", "ln -sfn ../outside/linked2 m/linked"},
		{"link of a folder above leads elsewhere", "ln -sfn ../outside/links2 m/links"},
		{"another folder above, of a package that is newly imported", "mv m/late x; mv outside/late m/late"},
		{"go.mod", "printf '\\ngodebug panicnil=1\\n' >>m/go.mod"},
		{"go.work", "printf 'go 1.26\\n\\ngodebug panicnil=1\\n\\nuse ./m\\n' >go.work"},
	}
	for _, tt := range edits {
		for _, first := range []bool{true, false} {
			name := tt.name + " in another build"
			if first {
				name = tt.name + " in the first build"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := duringSite(t)
				written := time.Now()
				if !first {
					s.mustBuild()
				}
				// What changed within a second before the build is left out of a stamp, and would show nothing.
				eventually(t, "the files are settled", func() bool { return time.Since(written) > 1200*time.Millisecond })
				if !first {
					s.write("m/more.go", "package main\n\nimport \"example.com/m/late/pkg\"\n\nvar more = pkg.Name()\n")
				}
				s.write("hook", "cd '"+s.root+"'\n"+tt.script+"\n")
				s.mustBuild()
				s.remove("hook")
				s.expectTruth()
			})
		}
	}
}

// duringSite is a program, partly behind links, with a go command that runs the script hook, once there is one, after
// each `go build`.
func duringSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, plainSite+`
-- outside/er.go --
package er

func Name() string { return "v4444" }
-- outside/deep/er/er.go --
package er

func Name() string { return "v5555" }
-- m/late/pkg/pkg.go --
package pkg

func Name() string { return "v0000" }
-- outside/late/pkg/pkg.go --
package pkg

func Name() string { return "v7777" }
-- outside/links/behind/behind.go --
package behind

func Name() string { return "v0000" }
-- outside/links2/behind/behind.go --
package behind

func Name() string { return "v6666" }
`, "m")
	s.check(os.Symlink("../outside/links", s.path("m/links")))
	s.rename("m/linked", "outside/linked")
	s.check(os.Symlink("../outside/linked", s.path("m/linked")))
	s.write("m/behind.go", "package main\n\nimport \"example.com/m/links/behind\"\n\nfunc init() { println(behind.Name()) }\n")
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	s.write("bin/go", "#!/bin/sh\n'"+real+"' \"$@\"\ncode=$?\n"+
		"if [ $1 = build ] && [ -f '"+s.root+"/hook' ]; then . '"+s.root+"/hook'; fi\nexit $code\n")
	s.check(os.Chmod(s.path("bin/go"), 0o755))
	s.vars["PATH"] = s.path("bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	s.pristine = s.tree()
	return s
}

// expectTruth wants gorun to use its binary only where the go command would make the same.
func (s *site) expectTruth() {
	s.t.Helper()
	_, out := s.mustFind()
	reasons := s.why()
	truth, text := s.goBuild()
	if same := truth == s.sum(out); !same && len(reasons) == 0 {
		s.t.Errorf("it is not seen; go build says %s", text)
	} else if strings.Contains(strings.Join(reasons, ""), "no stamp") {
		s.t.Error("there is no stamp")
	}
}
