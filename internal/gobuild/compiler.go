package gobuild

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// reader makes sense of what the go command printed: it turns paths around, so that they can be clicked from where
// the user stands, and finds the problems.
type reader struct {
	target Target
	from   string
	files  map[string][]byte // by absolute path; nil for those that are not there
}

func newReader(t Target, o Options) *reader {
	from := o.From
	if from == "" {
		from = t.Dir
	}
	return &reader{target: t, from: from, files: make(map[string][]byte)}
}

// text gives what was printed with the paths of existing files as the user would type them. Absolute paths, those
// that lead to the file from where the user stands, and all the rest of the text stay as they are.
func (r *reader) text(printed string) string {
	var b strings.Builder
	header := ""
	for line := range strings.Lines(printed) {
		header = nextHeader(header, line)
		if p, ok := splitPlace(line); ok && !filepath.IsAbs(p.file) {
			file := r.resolve(header, p.file)
			if file != "" && file != filepath.Join(r.from, p.file) {
				line = p.before + r.show(file) + p.rest
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// show gives a path as the go command would print it for somebody in the user's folder.
func (r *reader) show(file string) string {
	shown := filepath.FromSlash(dotted(r.from, file))
	if short := strings.TrimPrefix(shown, "."+string(filepath.Separator)); strings.ContainsRune(short, filepath.Separator) {
		return short
	}
	return shown
}

// problems returns the diagnostics in what text returned. Where none has a place, there is one of the first lines that
// mean something, or of the error that the go command ended with.
func (r *reader) problems(text string, ended error) diagnostic.List {
	var list diagnostic.List
	var plain, last *diagnostic.Diagnostic // last: of the line before, which a line with a tab continues
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if more, ok := strings.CutPrefix(line, "\t"); ok {
			follow(last, strings.TrimSpace(more))
			continue
		}
		last = nil
		if d, ok := r.diagnostic(line); ok {
			list = append(list, d)
			last = &list[len(list)-1]
		} else if plain == nil && isMeaningful(line) {
			plain = &diagnostic.Diagnostic{
				Code: "build-failed", Severity: diagnostic.Error, Message: strings.TrimPrefix(line, "go: "),
			}
			last = plain
		} else if reason := linkerReason(line); reason != "" && strings.Contains(plain.Message, ": running ") {
			plain.Message, last = reason, plain
		}
	}
	if len(list.Errors()) > 0 {
		return list
	}
	if plain == nil {
		plain = &diagnostic.Diagnostic{Code: "build-failed", Severity: diagnostic.Error, Message: ended.Error()}
	}
	return append(list, *plain)
}

// linkerReason returns what an external linker complains of, which stands far below the line that says that it failed.
func linkerReason(line string) string {
	for _, reason := range []string{"undefined reference to ", "cannot find -l", "unable to find library "} {
		if i := strings.Index(line, reason); i >= 0 {
			return line[i:]
		}
	}
	return ""
}

// diagnostic makes the problem of one line; ok is false when the line is none.
func (r *reader) diagnostic(line string) (d diagnostic.Diagnostic, ok bool) {
	p, ok := splitPlace(line)
	message := strings.TrimSpace(p.message)
	if !ok || message == "" || strings.HasPrefix(message, "note: ") {
		return d, false
	}
	file := p.file
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.from, file)
	}
	if r.existing(file) == "" {
		return d, false
	}
	d = diagnostic.Diagnostic{Code: "compile-error", Severity: diagnostic.Error, Message: message}
	if m, ok := strings.CutPrefix(message, "warning: "); ok {
		d.Severity, d.Message = diagnostic.Warning, m
	}
	d.Message = strings.TrimPrefix(strings.TrimPrefix(d.Message, "fatal error: "), "error: ")
	d.Place = diagnostic.Place{File: file}
	d.Place.Start, d.Source = pointAt(r.files[file], p.line, p.column)
	return d, true
}

// follow adds a line that was set under a problem: what was wanted, another place, a command that helps.
func follow(d *diagnostic.Diagnostic, more string) {
	if d == nil || more == "" {
		return
	}
	for _, advice := range []string{"; to ", ". You can "} {
		if i := strings.LastIndex(d.Message, advice); i > 0 && strings.HasSuffix(d.Message, ":") && d.Suggestion == "" {
			d.Message, d.Suggestion = d.Message[:i], more
			return
		}
	}
	d.Message = strings.TrimSuffix(d.Message, ":") + "; " + more
}

// resolve returns the absolute path of an existing file that the go command named relative to its folder; "" when
// there is none. C compilers run in the folder of the package that the last line with # named.
func (r *reader) resolve(header, file string) string {
	inPackage := ""
	if folder := r.packageDir(header); folder != "" {
		inPackage = r.existing(filepath.Join(folder, file))
	}
	if inPackage != "" && !strings.HasSuffix(file, ".go") && filepath.Base(file) == file {
		return inPackage
	}
	if found := r.existing(filepath.Join(r.target.workDir(), file)); found != "" {
		return found
	}
	return inPackage
}

// largestSource keeps object files, which a linker may name like source, out of memory.
const largestSource = 16 << 20

// existing reads a file once and returns its path; "" when it cannot be read.
func (r *reader) existing(file string) string {
	data, known := r.files[file]
	if !known {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() < largestSource {
			if data, err = os.ReadFile(file); err == nil && data == nil {
				data = []byte{}
			}
		}
		r.files[file] = data
	}
	if data == nil {
		return ""
	}
	return file
}

// packageDir returns the folder of a package of the module or the workspace; "" for others.
func (r *reader) packageDir(importPath string) string {
	if importPath == "command-line-arguments" {
		return r.target.Dir
	}
	for _, m := range append([]Module{{r.target.ModuleDir, r.target.ModulePath}}, r.target.Workspace...) {
		rel, ok := strings.CutPrefix(importPath, m.Path)
		if ok && m.Path != "" && (rel == "" || rel[0] == '/') {
			return filepath.Join(m.Dir, filepath.FromSlash(path.Clean("/"+rel)))
		}
	}
	return ""
}

// nextHeader returns the import path of a "# package" line, else the one before.
func nextHeader(header, line string) string {
	if h, ok := strings.CutPrefix(line, "# "); ok {
		h, _, _ = strings.Cut(strings.TrimSpace(h), " ") // "# example.com/a [example.com/a.test]"
		return h
	}
	return header
}

// isMeaningful reports whether a line without a place can say why a build failed.
func isMeaningful(line string) bool {
	for _, prefix := range []string{"# ", "go: downloading ", "go: finding ", "go: extracting ", "go: added "} {
		if strings.HasPrefix(line, prefix) {
			return false
		}
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "go: ")) != ""
}

// place is a line of the go command's output that begins with a place, taken apart: before + file + rest is the line.
type place struct {
	before       string // white space, "go: ", or what gcc puts in front
	file         string
	rest         string
	line, column int // column 0: none was given
	message      string
}

// splitPlace takes a line of the form path:line:column: message or path:line: message apart. The path may be of any
// system and contain spaces.
func splitPlace(line string) (p place, ok bool) {
	trimmed := strings.TrimLeft(line, " \t")
	for _, lead := range []string{"go: ", "In file included from ", "from "} {
		trimmed = strings.TrimPrefix(trimmed, lead)
	}
	p.before = line[:len(line)-len(trimmed)]
	for i := 0; i < len(trimmed); i++ {
		if trimmed[i] != ':' {
			continue
		}
		n, after := number(trimmed[i+1:])
		if n == 0 || after == "" || after[0] != ':' && after[0] != ',' {
			continue
		}
		p.file, p.rest, p.line, p.message = trimmed[:i], trimmed[i:], n, after[1:]
		if c, after := number(after[1:]); c > 0 && after != "" && after[0] == ':' {
			p.column, p.message = c, after[1:]
		}
		return p, p.file != ""
	}
	return place{}, false
}

// number reads the decimal number that s begins with; 0 when there is none or it is too large to be a line.
func number(s string) (n int, rest string) {
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil || n > 1<<30 {
		return 0, s
	}
	return n, s[end:]
}
