package launchsettings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidwall/jsonc"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// FuzzParse holds what must be true of every file: no panic, every position lies in the text, properties of no meaning
// survive, and what is accepted is JSON once comments and trailing commas are gone.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"profiles":{"A":{"commandName":"Project","environmentVariables":{"A":"1"},"gorun":{"x":1}}}}`))
	f.Add([]byte(`{"profiles":{"A":{"commandName":"IIS","gorun":{"module":{"startupTimeLimit":1,"requestTimeout":"1.0:0:1","applicationPath":"/a/","handlerSettings":{"DebugLevel":"x"}}}}}}`))
	f.Add([]byte("\xff\xfe{\x00}\x00"))
	f.Add([]byte("{\r// x\r\"profiles\": {\"a\":{\"launchUrl\":\"\\ud800\\udc00\"}},}"))
	for _, file := range corpus(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Parse("f", data)
		text := NewText("f", data)
		inside := func(list diagnostic.List) {
			for _, d := range list {
				for _, p := range []diagnostic.Position{d.Place.Start, d.Place.End} {
					if p.Offset < 0 || p.Offset > len(text.data) || p.Line < 1 || p.Line > len(text.lines) || p.Column < 1 {
						t.Errorf("%v is outside the text of %d bytes", p, len(text.data))
					}
				}
				if d.Place.End.Offset < d.Place.Start.Offset {
					t.Errorf("%v ends before it starts", d.Place)
				}
			}
		}
		inside(s.Diagnostics)
		for _, p := range s.Profiles {
			inside(p.Diagnostics)
			for _, other := range p.Other {
				if !json.Valid([]byte(other.JSON)) {
					t.Errorf("the property %q of no meaning became %q", other.Name, other.JSON)
				}
			}
		}
		if checkSyntax(text) == nil && !json.Valid(jsonc.ToJSON(text.data)) {
			t.Error("accepted, but no JSON")
		}
	})
}

// corpus is the content of the public settings files, or nothing where they are not at hand.
func corpus(f testing.TB) [][]byte {
	shared := os.Getenv("GORUN_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	paths, err := filepath.Glob(filepath.Join(shared, "corpus", "files", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	var out [][]byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}
