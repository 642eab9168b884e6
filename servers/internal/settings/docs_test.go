package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/limits"
)

// TestReference holds that docs/servers-settings.md has every key, and every limit with its default.
func TestReference(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "servers-settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	reference := string(data)
	wants := func(row string) {
		if !strings.Contains(reference, row) {
			t.Errorf("the reference has no %s", row)
		}
	}
	var rows func(o object)
	rows = func(o object) {
		for _, p := range o {
			if inner, ok := p.value.(object); ok && (p.name == "Http2" || p.name == "Http3") {
				wants(fmt.Sprintf("`Kestrel:Limits:%s`:", p.name))
				rows(inner)
				continue
			}
			value, err := json.Marshal(p.value)
			if err != nil {
				t.Fatal(err)
			}
			wants(fmt.Sprintf("| `%s` | `%s` |", p.name, value))
		}
	}
	rows(limitsJSON(limits.Defaults()))
	for _, name := range withoutMeaning {
		wants("`" + name + "`")
	}
	for _, k := range keys() {
		k = strings.TrimSuffix(strings.TrimSuffix(k, ":0"), ":1") // elements of an array
		wants("`" + k[strings.LastIndex(k, ":")+1:] + "`")
	}
}

// TestReferenceExample holds that the example of the reference loads, and that the message in it is what gorun says.
func TestReferenceExample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "servers-settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(data), "```json\n")
	example, rest, _ := strings.Cut(example, "```\n")
	if s := mustLoad(t, []string{example}, nil); len(s.Endpoints) != 2 || len(s.Warnings) != 0 {
		t.Errorf("got %+v", s)
	}
	_, err = load([]string{strings.Replace(example, "https://localhost:5001", "localhost:5001", 1)}, nil)
	if err == nil || !strings.Contains(rest, "\nappsettings"+strings.TrimPrefix(err.Error(), "a")+"\n") {
		t.Errorf("the reference has another message than %v", err)
	}
}
