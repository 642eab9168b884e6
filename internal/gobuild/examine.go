package gobuild

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// Reason is one reason why a binary is not what a build would make now, such as "/src/main.go changed" or "GOFLAGS
// differs". What has no How is a whole sentence.
type Reason = stamp.Change

// Why returns the reasons for which Build would call the go command; none when it would use what is there. Errors are
// those of Build.
func Why(ctx context.Context, t Target, o Options, out string) ([]Reason, error) {
	x, err := examine(ctx, t, o, out)
	return x.reasons, err
}

// examination is what is known of a target before the go command is called.
type examination struct {
	tools    toolchain
	settings []stamp.Setting
	reasons  []Reason     // why the binary does not suffice; nil when it does
	old      *stamp.Stamp // of the last build; nil without one
	stamp    stamp.Stamp  // how everything is now that the old one tells of
	worth    bool         // whether stamp says more than the file that it was read from, and is to be written
	seed     bool         // whether the binary that is there is the one of the last build
	read     stamp.State  // of the stamp's file when it was read
}

// stampOf is where the stamp of an output is kept: beside the folder of the binary.
func stampOf(out string) string { return filepath.Dir(out) + ".stamp" }

// examine compares the stamp of an output with what a build would be made of now. It calls no go command, unless that
// of the PATH is a shim of a version manager.
func examine(ctx context.Context, t Target, o Options, out string) (x examination, err error) {
	if err := checkFlags(o.BuildFlags, goflags(o.environment())); err != nil {
		return x, err
	}
	if x.tools, err = findToolchain(o.environment()); err != nil {
		return x, err
	}
	if x.settings, err = settings(ctx, x.tools, t, o); err != nil {
		return x, err
	}
	x.read = stamp.Look(stampOf(out))
	old, err := stamp.Read(stampOf(out))
	if err != nil {
		reason := "no stamp"
		if !isFile(out) {
			reason = "it has not been built yet"
		} else if !errors.Is(err, fs.ErrNotExist) {
			reason = "its stamp cannot be used: " + err.Error()
		}
		x.reasons = []Reason{{What: reason}}
		return x, nil
	}
	result := old.Check(rules)
	x.old, x.stamp, x.worth = old, result.Now, result.Worth
	x.seed = x.isSeed(out)
	x.reasons = append(old.WithSettings(x.settings), result.Changes...)
	for i, r := range x.reasons {
		if r.File && r.What == old.Output.Name {
			x.reasons[i] = Reason{What: "the binary", How: r.How}
			if r.How == stamp.Changed {
				x.reasons[i].How = "is not that of the last build"
			}
		}
	}
	if old.Output.Name != out {
		x.reasons = append(x.reasons, Reason{What: "the cache was moved here", Wide: true})
	}
	if ask := cmp.Or(alwaysAsk(o), old.Ask); ask != "" {
		x.reasons = append(x.reasons, Reason{What: ask, Wide: true})
	}
	return x, nil
}

// isSeed reports whether the binary that is there is the one that the stamp was taken of.
func (x examination) isSeed(out string) bool {
	return x.old != nil && stamp.Look(out) == x.old.Output.State
}

// stands reports whether nobody has built since, which is certain only while the lock is held.
func (x examination) stands(out string) bool {
	return stamp.Look(stampOf(out)) == x.read && x.isSeed(out) == x.seed
}

// fresh reports whether the binary is what a build would make.
func (x examination) fresh() bool { return len(x.reasons) == 0 }

// keep notes that a fresh binary is used. What cannot be noted does not matter: the next start looks again.
func (x examination) keep(out string) {
	if x.worth {
		x.stamp.Write(stampOf(out))
	} else {
		used(out)
	}
}

// wide reports whether the program may be made of other files than before.
func (x examination) wide() bool {
	return x.old == nil || slices.ContainsFunc(x.reasons, func(r Reason) bool { return r.Wide })
}

// lookAtNew adds to what was examined the files that count for the first time, as far as they are known without the
// go command: what was not looked at before a build may have been anything meanwhile.
func (x *examination) lookAtNew(t Target, o Options) {
	in := x.withTools(inputsOf(t, o, nil), t, o)
	known := x.stamp.Files
	fresh := slices.DeleteFunc(in.paths(), func(path string) bool {
		return slices.ContainsFunc(known, func(f stamp.File) bool { return f.Name == path })
	})
	x.stamp.Files = append(slices.Clip(known), stamp.Snapshot(rules, fresh, nil).Files...)
}

// same are the inputs of the last build.
func (x examination) same() inputs {
	in := inputs{ask: x.old.Ask, folders: x.old.Folders}
	for _, f := range x.old.Files {
		in.files = append(in.files, f.Name)
	}
	return in
}

// inputs are what the program is made of: what the go command tells of its packages, and the toolchain. Without a
// listing they are those of the last build.
func (x examination) inputs(t Target, o Options, l *listing) inputs {
	if l == nil {
		return x.same()
	}
	packages, err := l.wait()
	in := inputsOf(t, o, packages)
	if err != nil {
		in.ask = "the go command does not say what the program is made of"
	}
	return x.withTools(in, t, o)
}

// withTools adds what is not part of the program and has a say in its build.
func (x examination) withTools(in inputs, t Target, o Options) inputs {
	if x.tools.isShim() {
		in.files = append(in.files, x.tools.path)
	} else {
		in.files = append(in.files, toolchainFiles(x.tools.root)...)
		in.askAbout(filepath.Join(x.tools.root, "go.env"))
	}
	for _, path := range o.environment().compilers() {
		if filepath.IsAbs(path) {
			in.files = append(in.files, path)
		}
		if in.cgo && isWrapper(path) {
			in.ask = "the C compiler " + path + " calls another one"
		}
	}
	if pgo := pgoFile(t, o); pgo != "" {
		in.files = append(in.files, pgo)
	}
	if stampsVCS(t, o) {
		in.addVCS(t)
	}
	return in
}

// record writes the stamp of a binary that was built of these inputs from what was examined.
func (x examination) record(ctx context.Context, t Target, o Options, out string, in inputs) error {
	settings := x.settings
	if stampsVCS(t, o) {
		// A commit during the build may be in the binary or not.
		if again, err := vcsState(ctx, t, o); err != nil || stamp.SumOf(again) != sumOf(settings, vcsSetting) {
			settings = without(settings, vcsSetting)
		}
	}
	taker := stamp.Taker{Rules: rules, Before: x.stamp}
	made := taker.Take(out, in.paths(), in.folders)
	made.Settings, made.Ask = settings, in.ask
	return made.Write(stampOf(out))
}

// restore gives the last good binary, which is in place after a build that did not succeed, its stamp back: the
// name that the build had for it has changed its state.
func (x examination) restore(out string) {
	if x.seed {
		x.old.Output.State = stamp.Look(out)
		x.old.Write(stampOf(out)) // without it, the binary is made again
	}
}
