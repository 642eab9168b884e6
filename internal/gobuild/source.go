package gobuild

import (
	"bytes"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// source is one Go file as far as finding programs needs it.
type source struct {
	path     string
	pkg      string // the name in its package clause; "" when there is none to be read
	place    diagnostic.Place
	line     string // the text of the line of the package clause
	included bool   // by its name and build constraints, on the system that is built for
}

// folder is what the Go files of one folder say about it. Test files are left out.
type folder struct {
	dir      string
	sources  []source // those that are built
	excluded []string // names of those that build constraints leave out
}

// isMain reports whether the folder is a program: the first file whose package is known is of package main.
func (f folder) isMain() bool {
	named := f.named()
	return len(named) > 0 && named[0].pkg == "main"
}

// named returns the files with a package clause. Others are being written: the compiler says what they lack.
func (f folder) named() []source {
	return slices.DeleteFunc(slices.Clone(f.sources), func(s source) bool { return s.pkg == "" })
}

// check returns why the folder is not a program; nil when it is one, or only the compiler can tell.
// The folder is called shown in messages.
func (f folder) check(shown, platform string) error {
	named := f.named()
	switch {
	case len(f.sources) == 0 && len(f.excluded) > 0:
		return &ExcludedError{Dir: shown, Files: f.excluded, Platform: platform}
	case len(f.sources) == 0:
		return &NoProgramError{Dir: shown}
	case len(named) == 0:
		return nil
	}
	first := named[0]
	for _, s := range named[1:] {
		if s.pkg != first.pkg {
			return &MixedPackagesError{Dir: shown, problems: diagnostic.List{clause(first), clause(s)}}
		}
	}
	if first.pkg != "main" {
		return &NotMainError{Dir: shown, Package: first.pkg, problem: notMain(first)}
	}
	return nil
}

// readFolder reads the package clauses of the files in dir. With firstOnly it stops at the first that is known, which
// is enough to tell a program from a package while walking through a module.
func readFolder(ctx *build.Context, dir string, entries []os.DirEntry, firstOnly bool) folder {
	f := folder{dir: dir}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !isGoSource(name) {
			continue
		}
		s, err := readSource(ctx, filepath.Join(dir, name))
		switch {
		case err != nil: // gone, or a folder behind a link: not for us to report
		case s.included && s.pkg != "documentation": // go/build leaves that package out
			f.sources = append(f.sources, s)
		default:
			f.excluded = append(f.excluded, name)
		}
		if firstOnly && len(f.named()) > 0 {
			break
		}
	}
	return f
}

// isGoSource reports whether a file of this name can be part of a package: no test, no leading dot or underscore.
func isGoSource(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name[0] != '.' && name[0] != '_'
}

// headLimit is how much of a file is read at first: nearly every package clause stands within it.
const headLimit = 4 << 10

// readSource reads one file up to its package clause.
func readSource(ctx *build.Context, path string) (source, error) {
	file, err := os.Open(path)
	if err != nil {
		return source{}, err
	}
	defer file.Close()
	head := make([]byte, headLimit)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return source{}, err
	}
	head = head[:n]
	name, offset := packageClause(head)
	if n == headLimit && (name == "" || offset+len(name) == n) { // a long licence comes first
		rest, err := io.ReadAll(file)
		if err != nil {
			return source{}, err
		}
		head = append(head, rest...)
		name, offset = packageClause(head)
	}
	s := source{path: path, pkg: name, place: diagnostic.Place{File: path}}
	if name != "" {
		s.place.Start = position(head, offset)
		s.place.End = position(head, offset+len(name))
		s.line = lineAt(head, offset)
		head = head[:offset+len(name)]
	}
	s.included = matches(ctx, path, head)
	return s, nil
}

// packageClause returns the name in the package clause of a Go file and its offset; "" when none is found.
func packageClause(src []byte) (name string, offset int) {
	fset := token.NewFileSet()
	file, _ := parser.ParseFile(fset, "", src, parser.PackageClauseOnly|parser.SkipObjectResolution)
	if file == nil || file.Name == nil || file.Name.Name == "" || file.Name.Name == "_" {
		return "", 0
	}
	return file.Name.Name, fset.PositionFor(file.Name.Pos(), false).Offset
}

// matches reports whether the file is built, judged by its name and the comments in head.
// go/build decides where there is something to decide; it is handed what was read already.
func matches(ctx *build.Context, path string, head []byte) bool {
	dir, name := filepath.Split(path)
	if !strings.Contains(name, "_") && !bytes.Contains(head, []byte("//go:build")) && !bytes.Contains(head, []byte("+build")) {
		return true
	}
	own := *ctx
	own.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil }
	ok, err := own.MatchFile(dir, name)
	return ok || err != nil // what cannot be judged is left to the compiler to report
}

// buildContext says what the go command builds for, with the tags of GOFLAGS and the build flags.
// Release tags are those of the Go version that gorun was built with.
func buildContext(env environment, buildFlags []string) *build.Context {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH = env.platform()
	ctx.CgoEnabled = env.cgoEnabled()
	ctx.BuildTags = tags(goflags(env), parseFlags(buildFlags))
	if experiments := env.get("GOEXPERIMENT"); experiments != "" {
		ctx.ToolTags = slices.Clone(ctx.ToolTags)
		for name := range strings.SplitSeq(experiments, ",") {
			ctx.ToolTags = append(ctx.ToolTags, "goexperiment."+name)
		}
	}
	return &ctx
}

func clause(s source) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: "mixed-packages", Severity: diagnostic.Error, Message: "package " + s.pkg + " here",
		Place: s.place, Source: s.line,
	}
}

func notMain(s source) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: "not-main", Severity: diagnostic.Error, Message: "package " + s.pkg + " is not a program, package main is",
		Place: s.place, Source: s.line,
	}
}
