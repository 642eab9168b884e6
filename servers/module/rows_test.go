package module

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rows says how many rows each table of the reference's own tests has (reference: servers.md, 8).
var rows = map[string]int{"S": 42, "D": 19, "P": 4, "M": 4, "L": 12, "T": 2}

// impossible are the rows that cannot exist here, and why. All others have a test with their id in its name.
var impossible = map[string]string{
	"S15": "there is no request handler beside the app that could be missing: servers.Run is part of the app, and one without it is S7",
	"S16": "a Go program is one file by itself: there is no second one that could be missing; a program that is missing itself is S1",
	"S21": "the event is a named object of Windows' kernel; and a program that runs locks no files that gorun would have to replace",
	"S28": "net/http knows no callbacks for after the answer; a handler that panics within it is servertest's",
	"M2":  "each app in-process has a process of its own here, so that there may be several: M4",
	"M3":  "each app has a process of its own here, so that hosting models mix",
}

// where are the folders whose tests count.
var where = []string{".", "../../profiles", "../../launchsettings", "../../cmd/gorun", "../../internal/host", "../../testdata/script", "../../testdata/settings"}

const ids = `((?:[SDPMLT]\d{1,2}(?:_|, | |\b))+)`

var (
	inTests   = regexp.MustCompile(`(?m)^func Test` + ids + `|(?:t\.Run\(|\{|^\s*)"` + ids)
	inScripts = regexp.MustCompile(`(?m)^#? ?` + ids + `: `)
	oneID     = regexp.MustCompile(`[SDPMLT]\d{1,2}`)
)

// TestEveryRowIsTestedOrImpossible counts the rows of section 8.
func TestEveryRowIsTestedOrImpossible(t *testing.T) {
	t.Parallel()
	tested := rowsWithTests(t)
	n := 0
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		for i := range rows[table] {
			id := fmt.Sprint(table, i+1)
			_, isImpossible := impossible[id]
			switch {
			case tested[id] == "" && !isImpossible:
				t.Errorf("%s has no test, and no reason why it cannot have one", id)
			case tested[id] != "" && isImpossible:
				t.Errorf("%s has a test in %s, so it can exist", id, tested[id])
			case tested[id] != "":
				n++
			}
			delete(tested, id)
		}
	}
	for id, file := range tested {
		t.Errorf("%s has a test for %s, which no table has", file, id)
	}
	t.Logf("count: section 8: %d rows tested, %d cannot exist here, with reasons", n, len(impossible))
}

// rowsWithTests gives the ids that names of tests have, with one of their files.
func rowsWithTests(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range where {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			isTest, isScript := strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".txtar")
			if err != nil || entry.IsDir() || entry.Name() == "rows_test.go" || !isTest && !isScript {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			pattern := inScripts
			if isTest {
				pattern = inTests
			}
			for _, match := range pattern.FindAllStringSubmatch(string(data), -1) {
				for _, id := range oneID.FindAllString(strings.Join(match[1:], " "), -1) {
					found[id] = path
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
