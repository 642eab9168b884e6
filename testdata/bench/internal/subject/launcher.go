package subject

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Release is the configuration in which apps are built.
const Release = "Release"

// BuildLauncher makes gorun as it is when it comes from a release: static, and a copy. What the linker has just written takes
// more than a millisecond longer to start than a copy of it, because of how it lies in the page cache.
func BuildLauncher(path string) error {
	linked := path + ".linked"
	build := exec.Command("go", "build", "-o", linked, "github.com/gorun-dev/gorun/cmd/gorun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return copyProgram(linked, path)
}

// BuildApp has the launcher build the package of an app, and takes a copy: all ways to serve it have the same file, whatever
// becomes of the sources, whose folder it gives.
func BuildApp(ctx context.Context, launcher string, env []string, app, path string) (source string, err error) {
	if source, err = Output(ctx, env, "go", "list", "-f", "{{.Dir}}", app); err != nil {
		return "", err
	}
	built, err := Output(ctx, env, launcher, "build", "-c", Release, source)
	if err != nil {
		return "", err
	}
	return source, copyProgram(built, path)
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// Output runs a program and gives what it prints, without the space around it.
func Output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s: %w\n%s", name, err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
