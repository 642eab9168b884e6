package gobuild

import (
	"bytes"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// rules are what stamps of Go programs are taken and compared by.
var rules = stamp.Rules{List: listInputs, Reach: reach, Part: headOf}

// reach says what of a file may decide of which packages and files a program is made: of a Go file its head; nothing of
// C, assembly and embedded files; everything of all others, such as go.mod.
func reach(rule, name string) stamp.Reach {
	switch {
	case filepath.Ext(name) == ".go":
		if strings.HasPrefix(rule, ruleEmbed) {
			return stamp.ReachNone
		}
		return stamp.ReachPart
	case filepath.Base(name) == "go.mod" || rule == "":
		return stamp.ReachAll
	}
	return stamp.ReachNone
}

// headOf sums up what of a Go file decides: all up to the last import, with the build constraints and what cgo reads,
// and the patterns that it embeds. Of a file that cannot be read so far, it is the whole.
func headOf(content []byte) stamp.Sum {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", content, parser.ImportsOnly|parser.SkipObjectResolution)
	if err != nil || file == nil {
		return stamp.SumOf(string(content))
	}
	end := file.Name.End()
	if n := len(file.Decls); n > 0 {
		end = file.Decls[n-1].End()
	}
	offset := files.PositionFor(end, false).Offset
	head := bytes.Clone(content[:offset])
	const embed = "//go:embed"
	for rest := content[offset:]; ; {
		i := bytes.Index(rest, []byte(embed))
		if i < 0 {
			return stamp.SumOf(string(head))
		}
		line, after, _ := bytes.Cut(rest[i:], []byte("\n"))
		head, rest = append(append(head, '\n'), line...), after
	}
}
