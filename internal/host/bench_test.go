package host

import (
	"os/exec"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// BenchmarkRun compares a whole run with the bare start of the same program: what watching and telling cost.
func BenchmarkRun(b *testing.B) {
	path, err := exec.LookPath("true")
	if err != nil {
		b.Skip(err)
	}
	plan := as(b, "")
	plan.Program.Value, plan.Args.Value = path, nil
	env := plan.Environ()
	b.Run("process", func(b *testing.B) {
		for b.Loop() {
			tree, err := process.Start(process.Spec{Path: path, Env: env})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := tree.Wait(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("host", func(b *testing.B) {
		for b.Loop() {
			if _, err := Run(b.Context(), plan, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("host with a record", func(b *testing.B) {
		dir := runDir(b.TempDir())
		for b.Loop() {
			if _, err := Run(b.Context(), plan, Options{RunDir: dir}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("host with an address", func(b *testing.B) {
		plan := on(b, plan, "http://localhost:0", "http://localhost:"+freePort(b))
		for b.Loop() {
			if _, err := Run(b.Context(), plan, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
