// Package load makes load on servers for the benchmarks, by wrk or from this process, and makes samples of what it gives:
// two servers that take turns, and the ratio of each pair.
//
// It starts no server and knows nothing of one but its address. Values are not to be used by several goroutines at once.
package load

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rest is how much longer than it was told a tool may take.
const rest = 20 * time.Second

// Tool is a program that makes load, with the Debian package that has it. The zero value is this process.
type Tool struct{ Name, Debian string }

// Find says that the program is missing, and where it comes from.
func (t Tool) Find() error {
	if t == (Tool{}) {
		return nil
	}
	if _, err := exec.LookPath(t.Name); err != nil {
		return fmt.Errorf("%s is not installed; Debian has it in the package %s", t.Name, t.Debian)
	}
	return nil
}

// Run runs the program, which takes d, and gives what it prints. It is killed when it takes much longer, or when ctx ends.
func (t Tool) Run(ctx context.Context, d time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d+rest, fmt.Errorf("it did not end within %v", d+rest))
	defer cancel()
	cmd := exec.CommandContext(ctx, t.Name, args...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s: %w\n%s%s", t.Name, err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// Seconds is d as tools take it: whole seconds.
func Seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// Machine says where figures come from.
func Machine() string {
	return fmt.Sprintf("%s/%s, %s, GOMAXPROCS %d", runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.GOMAXPROCS(0))
}

// Choose gives of all what has these names, in its own order; all without any name.
func Choose[S any](all []S, nameOf func(S) string, names []string) ([]S, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	var chosen []S
	for _, s := range all {
		name := nameOf(s)
		known = append(known, name)
		if slices.Contains(names, name) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no scenario %q, there are %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}
