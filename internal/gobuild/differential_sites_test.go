package gobuild

import (
	"fmt"
	"os"
	"strings"
)

// differentialSites are the programs of TestDifferential. Each gets its share of the edits.
var differentialSites = []struct {
	name, archive, tool string
	share               int
	prepare             func(s *site)
	edits               []edit
}{
	{name: "plain", archive: plainSite, share: 6},
	{name: "named by files", archive: plainSite, share: 2, prepare: func(s *site) {
		s.args = []string{"main.go", "more.go", "tagged.go"}
	}},
	{name: "links", archive: plainSite, share: 3, prepare: func(s *site) {
		s.link("../../outside/text.go", "m/linked/text.go")
		s.rename("m/deep", "outside/deep")
		s.link("../outside/deep", "m/deep")
	}},
	{name: "embedding", archive: embedSite, share: 4, edits: editsOfEmbedding},
	{name: "replaced", archive: replaceSite, share: 3, edits: []edit{
		{kind: "go.mod, replaced by another", do: func(x *trial) string {
			return x.exchange("m/go.mod", "=> ../dep\n", "=> ../dep2\n")
		}},
	}},
	{name: "vendored", archive: vendorSite, share: 3, edits: []edit{
		{kind: "modules.txt", do: func(x *trial) string {
			return x.exchange("m/vendor/modules.txt", "# example.com/dep v1.0.0\n", "# example.com/dep v1.0.1\n")
		}},
		{kind: "modules.txt, comment", do: func(x *trial) string { return x.exchange("m/vendor/modules.txt", "\n# ", "\n\n# ") }},
		{kind: "vendor away and back", quiet: true, do: func(x *trial) string {
			if !isDir(x.path("m/vendor")) {
				return ""
			}
			x.rename("m/vendor", "m/x")
			x.rename("m/x", "m/vendor")
			return "vendor"
		}},
	}},
	{name: "workspace", archive: workSite, share: 4, edits: []edit{
		{kind: "go.work, another module", do: func(x *trial) string { return x.exchange("go.work", "./lib\n", "./lib2\n") }},
		{kind: "go.work, comment", do: func(x *trial) string { return x.exchange("go.work", "go 1.26\n", "go 1.26 // more\n") }},
	}},
	{name: "cgo", archive: cgoSite, tool: "gcc", share: 2, edits: []edit{
		{kind: "new C file", do: func(x *trial) string {
			return x.toggle("m/added.c", "int added(void) { return 0x1000; }\n")
		}},
		{kind: "CC", do: variable("CC", "gcc", "gcc -O1", "")},
	}},
	{name: "assembly", archive: assemblySite, share: 2},
	{name: "version control", archive: gitSite, tool: "git", share: 3, prepare: prepareGit, edits: []edit{
		{kind: "commit", do: func(x *trial) string {
			x.git("add", "-A")
			x.git("commit", "-q", "--allow-empty", "-m", "x")
			return "all"
		}},
		{kind: "tag", do: func(x *trial) string {
			tag := fmt.Sprintf("v1.%d.%d", len(x.history), x.rng.IntN(9))
			x.git("tag", tag)
			return tag
		}},
		{kind: "ignored file", quiet: true, do: func(x *trial) string { return x.toggle("m/ignored.txt", "v0000\n") }},
	}},
}

// exchange puts the one text or the other into a file.
func (x *trial) exchange(name, one, other string) string {
	data, err := os.ReadFile(x.path(name))
	switch text := string(data); {
	case err != nil:
		return ""
	case strings.Contains(text, other):
		x.write(name, strings.ReplaceAll(text, other, one))
	default:
		x.write(name, strings.ReplaceAll(text, one, other))
	}
	return name
}

// toggled is an edit that makes a file or removes it.
func toggled(name, text string) func(x *trial) string {
	return func(x *trial) string { return x.toggle(name, text) }
}

var editsOfEmbedding = []edit{
	{kind: "embedded, content", do: onFile(matching("*.css"), func(x *trial, name string) { x.write(name, x.other(name, true)) })},
	{kind: "embedded, new match", do: toggled("m/b.txt", "v0000\n")},
	{kind: "embedded, new match in a folder", do: toggled("m/templates/none/c.html", "v0000\n")},
	{kind: "embedded, new below a folder", do: toggled("m/static/sub/deep/d.css", "v0000\n")},
	{kind: "embedded, new hidden by all:", do: toggled("m/all/dir/_d/.e", "v0000\n")},
	{kind: "embedded, hidden", quiet: true, do: toggled("m/static/.e", "v0000\n")},
	{kind: "embedded, no match", quiet: true, do: toggled("m/b.text", "v0000\n")},
	{kind: "embedded, gone", do: onFile(matching("*.[cth][sxt][stm]*"), func(x *trial, name string) { x.remove(name) })},
	{kind: "embedded, folder a module", do: toggled("m/static/sub/go.mod", "module example.com/sub\n")},
	{kind: "embedded, folder no module", do: toggled("m/static/module/go.mod", "module example.com/sub\n")},
	{kind: "embedded, link in a folder", do: func(x *trial) string {
		if _, err := os.Lstat(x.path("m/static/x.css")); err == nil || !isDir(x.path("m/static")) {
			return ""
		}
		x.link("../../outside/x.css", "m/static/x.css")
		return "m/static/x.css"
	}},
	{kind: "embedded, link that matches", do: func(x *trial) string {
		x.link("../outside/x.css", "m/x.txt")
		return "m/x.txt"
	}},
}
