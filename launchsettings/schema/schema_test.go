package schema

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/launchsettings"
)

var update = flag.Bool("update", false, "write the generated files")

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	schema, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"launchsettings.schema.json":                     string(schema),
		filepath.Join("..", "..", "docs", "settings.md"): Reference(),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is stale; go test ./launchsettings/schema -update writes it:\n%s", filepath.Base(path), diff)
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	var check func(keys []launchsettings.Key)
	check = func(keys []launchsettings.Key) {
		for _, k := range keys {
			if k.Doc == "" || k.Default == "" || !strings.HasSuffix(k.Doc, ".") {
				t.Errorf("%s wants a text of full sentences and a default", k.Name)
			}
			check(k.Keys)
		}
	}
	check(launchsettings.ProfileKeys())
	check(launchsettings.IISKeys())
	var doc map[string]any
	if schema, err := JSON(); err != nil || json.Unmarshal(schema, &doc) != nil {
		t.Errorf("the schema is no JSON: %v", err)
	}
}
