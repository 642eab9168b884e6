package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// command is one way to start a program.
type command struct {
	name  string
	steps [][]string // one after the other, as a shell does it with &&
	dir   string
}

// unchanged are the ways to start a program of which nothing has changed; the first is the one to compare with. It
// builds the program, so that this is so.
func (b *bench) unchanged(p program) ([]command, error) {
	build := exec.Command(b.gorun, "build", p.target)
	build.Dir = p.dir
	var problems bytes.Buffer
	build.Stderr = &problems
	binary, err := build.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, problems.String())
	}
	return []command{
		p.command("the binary alone", []string{strings.TrimSpace(string(binary))}),
		p.command("gorun --no-build", []string{b.gorun, "--no-build", p.target}),
		p.command("gorun", []string{b.gorun, p.target}),
		p.command("gorun -c Release", []string{b.gorun, "-c", "Release", p.target}),
		p.command("go run", []string{"go", "run", p.target}),
		b.goBuild(p),
	}, nil
}

// edited are the ways to start a program after an edit; the first is the one to compare with.
func (b *bench) edited(p program) []command {
	return []command{
		b.goBuild(p),
		p.command("gorun", []string{b.gorun, p.target}),
		p.command("gorun -c Release", []string{b.gorun, "-c", "Release", p.target}),
	}
}

func (b *bench) goBuild(p program) command {
	app := filepath.Join(b.dir, p.name+"-app")
	return p.command("go build && ./app", []string{"go", "build", "-o", app, p.target}, []string{app})
}

// command makes one whose last step is given the program's arguments.
func (p program) command(name string, steps ...[]string) command {
	last := len(steps) - 1
	steps[last] = append(steps[last], p.args...)
	return command{name: name, steps: steps, dir: p.dir}
}

// run runs a command once and returns how long it took. What it prints to stderr must have the lines of proof.
func (c command) run(proof []string) (time.Duration, error) {
	var stderr bytes.Buffer
	start := time.Now()
	for _, args := range c.steps {
		step := exec.Command(args[0], args[1:]...)
		step.Dir = c.dir
		step.Stderr = &stderr
		if err := step.Run(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", c.name, err, stderr.String())
		}
	}
	took := time.Since(start)
	for _, line := range proof {
		if !strings.Contains(stderr.String(), line+"\n") {
			return 0, fmt.Errorf("%s: the program is not the edited one, it does not print %q but %q", c.name, line, stderr.String())
		}
	}
	return took, nil
}
