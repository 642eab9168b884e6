package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gorun-dev/gorun"

// floors is the map of the repository: each package and its floor. A package imports only lower floors.
// docs/architecture.md says what each holds.
var floors = map[string]int{
	"internal/diagnostic":           -1, // below the ground floor, because events carry diagnostics
	"internal/event":                0,
	"internal/stamp":                0,
	"internal/closest":              0,
	"internal/dotenv":               0,
	"internal/process":              0,
	"internal/sockets":              0,
	"servers/endpoint":              0,
	"servers/devcert":               0,
	"servers/metrics":               0,
	"servers/internal/connid":       0,
	"servers/internal/exchange":     1,
	"servers/internal/settings":     2,
	"servers/accesslog":             2,
	"servers/servertest":            6,
	"testdata/apps/custom":          11,
	"testdata/apps/custom/audited":  6,
	"testdata/apps/three":           11,
	"servers/limits":                0,
	"servers/feature":               1,
	"servers/module/pairing":        2,
	"servers/module/page":           1,
	"servers/module/debuglog":       1,
	"servers/module/backend":        3,
	"servers/module/handover":       4,
	"servers/internal/relay":        3,
	"servers/module":                6,
	"servers/reverseproxy":          6,
	"servers/devcert/trust":         1,
	"servers/internal/serve":        2,
	"servers/internal/certificates": 1,
	"servers/kestrel":               3,
	"servers/internal/wire":         1,
	"servers/httpsys/urlprefix":     0,
	"servers/httpsys/cache":         1,
	"servers/httpsys":               4,
	"servers/httpsys/broker":        4,
	"servers/httpsys/httpapi":       1,
	"internal/ui":                   1,
	"internal/gobuild":              1,
	"internal/runs":                 1,
	"launchsettings":                1,
	"launchsettings/schema":         2,
	"launchsettings/webconfig":      2,
	"profiles":                      2,
	"servers":                       5,
	"internal/host":                 7,
	"internal/cli":                  10,
	"cmd/gorun":                     11,
	"testdata/apps/behind":          11,
	"testdata/apps/hello":           11,
	"testdata/apps/probe":           11,
	"testdata/apps/shared/admin":    11,
	"testdata/apps/shared/blog":     11,
	"testdata/apps/shared/shop":     11,
	"testdata/apps/stubborn":        11,
	"testdata/apps/web":             11,
	"testdata/apps/witness":         11,
}

// walls are dependencies that a package must never have, also through others.
var walls = []struct {
	from   []string
	never  []string // a package of the standard library, or all of a module or folder
	reason string
}{
	{[]string{"servers", "servers/endpoint", "servers/limits", "servers/feature", "servers/metrics", "servers/accesslog", "servers/module/pairing", "servers/internal/certificates", "servers/devcert", "servers/kestrel",
		"servers/httpsys", "servers/httpsys/urlprefix", "servers/httpsys/cache", "servers/httpsys/httpapi", "servers/internal/wire"}, []string{
		"github.com/urfave/cli/v2", "github.com/go-delve/delve", "github.com/fatih/color",
		module + "/internal", module + "/profiles", module + "/launchsettings", "os/exec",
	}, "an app that imports servers must not pull in the launcher"},
	{[]string{"profiles", "launchsettings", "launchsettings/schema"}, []string{"os/exec", "net", "net/http"},
		"settings and decisions start nothing and open no socket"},
	{[]string{"servers/endpoint"}, []string{"net", "net/http"}, "an endpoint is a value, not a socket"},
	{[]string{"internal/process", "internal/gobuild"}, []string{module + "/profiles", module + "/launchsettings"},
		"process trees and builds know nothing of profiles"},
}

// doors are the only packages that may import one directly.
var doors = map[string][]string{
	"internal/host": {"internal/cli", "internal/stack", "debugadapter"},
	"internal/ui":   {"internal/cli"},
}

type goPackage struct {
	ImportPath, Doc, Name string
	Imports, Deps         []string
}

// inModule is the path of a package below the module's, or "" for another module's.
func inModule(path string) string {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return rest
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Doc,Name,Imports,Deps", "./...", "./testdata/apps/...")
	list.Dir = "../.."
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestFloorsWallsAndDoors(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := inModule(p.ImportPath)
		seen[name] = true
		floor, ok := floors[name]
		if !ok {
			t.Errorf("%s has no place on the map: give it a floor in floors_test.go and a line in docs/architecture.md", name)
			continue
		}
		if !strings.HasPrefix(p.Doc, "Package "+p.Name+" ") && !strings.HasPrefix(p.Doc, "Command ") { // its first sentence
			t.Errorf(`%s wants a comment that begins with "Package %s"`, name, p.Name)
		}
		for _, imported := range p.Imports {
			below := inModule(imported)
			if below == "" {
				continue
			}
			if f, ok := floors[below]; ok && f >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): a package imports only lower floors", name, floor, below, f)
			}
			if open, ok := doors[below]; ok && !slices.Contains(open, name) {
				t.Errorf("%s imports %s, which only %s may", name, below, strings.Join(open, ", "))
			}
		}
		for _, w := range walls {
			if !slices.Contains(w.from, name) {
				continue
			}
			for _, dep := range p.Deps {
				for _, never := range w.never {
					if dep == never || strings.Contains(never, ".") && strings.HasPrefix(dep, never+"/") {
						t.Errorf("%s depends on %s: %s", name, dep, w.reason)
					}
				}
			}
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("the map has %s, which is not there", name)
		}
	}
}

func TestMapIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range floors {
		if !strings.HasPrefix(name, "testdata/") && !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("docs/architecture.md does not name `%s`", name)
		}
	}
}
