package gobuild

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// stampsVCS reports whether the go command writes the state of version control into the binary.
func stampsVCS(t Target, o Options) bool {
	switch last(parseFlags(Flags(t, o)), "buildvcs") {
	case "false":
		return false
	case "":
		return last(goflags(o.environment()), "buildvcs") != "false"
	}
	return true
}

// vcsFolders are what version control keeps at the root of a working copy, with the systems that the go command knows.
var vcsFolders = []string{".git", ".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_"}

// vcsOf returns what of vcsFolders is in and above a folder, the nearest first.
func vcsOf(dir string) []string {
	var found []string
	for ; ; dir = filepath.Dir(dir) {
		for _, name := range vcsFolders {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				found = append(found, filepath.Join(dir, name))
			}
		}
		if dir == filepath.Dir(dir) {
			return found
		}
	}
}

// addVCS adds what decides, besides the state of the working copy, which version the binary is told to be.
func (in *inputs) addVCS(t Target) {
	for _, place := range vcsOf(t.workDir()) {
		in.files = append(in.files, filepath.Join(filepath.Dir(place), "go.mod"))
		if filepath.Base(place) != ".git" {
			in.ask = "the build takes its version from " + place
		}
	}
}

// vcsState is what the go command writes into the binary, and everything else that this depends on: the commit, whether
// something differs from it, and the tags, of which a version is made. Git alone is asked; see addVCS.
func vcsState(ctx context.Context, t Target, o Options) (string, error) {
	all := vcsOf(t.workDir())
	place := strings.Join(append(all, vcsOf(t.Dir)...), "\n")
	if len(all) == 0 || filepath.Base(all[0]) != ".git" {
		return place, nil
	}
	git := o.environment().lookPath("git")
	if git == "" {
		return place + " without git", nil
	}
	status, err := runGit(ctx, git, t, o, "status", "--porcelain=v2", "--branch")
	if err != nil {
		return "", err
	}
	tags, err := runGit(ctx, git, t, o, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags")
	if err != nil {
		return "", err
	}
	commit, changes := "", "unchanged"
	for line := range strings.Lines(status) {
		if strings.HasPrefix(line, "# branch.oid ") {
			commit = line
		} else if line[0] != '#' {
			changes = "changed"
		}
	}
	return place + "\n" + commit + changes + "\n" + tags, nil
}

// runGit returns what git prints. That it fails says something, too: it is not an error unless git cannot be run.
func runGit(ctx context.Context, git string, t Target, o Options, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, git, args...)
	cmd.Dir = t.workDir()
	cmd.Env = append(slices.Clone(o.environment().vars), "GIT_OPTIONAL_LOCKS=0")
	cmd.WaitDelay = goDelay
	ownGroup(cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := runTool(cmd)
	if _, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		err = nil
	}
	return out.String(), err
}
