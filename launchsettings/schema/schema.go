// Package schema makes the JSON Schema of launchSettings.json and the settings reference, both from the keys of
// package launchsettings, so that editor, document and parser say the same.
//
// It is pure. The files that are kept in the repository are written by `go test ./launchsettings/schema -update`,
// and a test says when they are stale.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gorun-dev/gorun/launchsettings"
)

// JSON is the JSON Schema (draft 7, which editors understand). Properties that are not described stay allowed, as
// other tools have their own.
func JSON() ([]byte, error) {
	profile := object(launchsettings.ProfileKeys())
	profile.Required = []string{"commandName"}
	profile.Properties["commandName"].AnyOf = []*node{
		{Enum: []string{
			launchsettings.CommandProject, launchsettings.CommandExecutable,
			launchsettings.CommandIISExpress, launchsettings.CommandIIS,
		}},
		{Type: "string"},
	}
	root := &node{
		Schema:      "http://json-schema.org/draft-07/schema#",
		Title:       "launchSettings.json",
		Description: "How a program is started: the file of .NET, as gorun reads it.",
		Type:        "object",
		Required:    []string{"profiles"},
		Properties: map[string]*node{
			"profiles":    {Type: "object", Description: "The profiles, by name.", Additional: profile},
			"iisSettings": object(launchsettings.IISKeys()),
		},
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return out.Bytes(), err
}

// node is the part of JSON Schema that is used here. Maps are written in the order of their keys, so the text is
// always the same.
type node struct {
	Schema      string           `json:"$schema,omitempty"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	Type        string           `json:"type,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Minimum     *int64           `json:"minimum,omitempty"`
	Maximum     *int64           `json:"maximum,omitempty"`
	AnyOf       []*node          `json:"anyOf,omitempty"`
	Items       *node            `json:"items,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Properties  map[string]*node `json:"properties,omitempty"`
	Additional  *node            `json:"additionalProperties,omitempty"`
}

func object(keys []launchsettings.Key) *node {
	n := &node{Type: "object", Properties: map[string]*node{}}
	for _, k := range keys {
		n.Properties[k.Name] = property(k)
	}
	return n
}

func property(k launchsettings.Key) *node {
	n := &node{}
	switch k.Type {
	case "object":
		n = object(k.Keys)
	case "variables":
		n = &node{Type: "object", Additional: &node{Type: "string"}}
	case "strings":
		n = &node{AnyOf: []*node{{Type: "string"}, {Type: "array", Items: &node{Type: "string"}}}}
	case "integer":
		n = &node{Type: "integer", Minimum: &k.Min, Maximum: &k.Max}
	default:
		n = &node{Type: k.Type, Enum: k.Enum}
	}
	n.Description = k.Doc + " Default: " + k.Default + "."
	return n
}

// Reference is the settings reference in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# launchSettings.json

<!-- Made by "go test ./launchsettings/schema -update"; the texts stand in launchsettings/keys.go and modulekeys.go. -->

The file is .NET's, and means the same to both: what gorun adds stands in one object for each profile, "gorun", which
.NET ignores. It is found as Properties/launchSettings.json, launchSettings.json or PROGRAM.run.json, in the folder of
the program first, then in its parents up to the module's root; the nearest folder that has one wins, and it (the folder
above Properties) is the project folder. launchSettings.user.json beside it is personal and not committed: what it sets
wins, property by property, variable by variable.

Comments, trailing commas, a byte order mark and UTF-16 are accepted. Names of properties are case-sensitive, names of
profiles are not. Other properties are left alone. How the module's settings and web.config go together stands in
[module-settings.md](module-settings.md).

` + "```json\n" + `{
  "profiles": {
    "Development": {
      "commandName": "Project",
      "applicationUrl": "http://localhost:5080",
      "environmentVariables": { "GREETING": "hello" },
      "gorun": { "package": "./cmd/api" }
    }
  }
}
` + "```\n")
	section(&b, "A profile", "", launchsettings.ProfileKeys())
	section(&b, `"gorun"`, "gorun.", launchsettings.GorunKeys())
	section(&b, `"iisSettings"`, "", launchsettings.IISKeys())
	return b.String()
}

func section(b *strings.Builder, title, prefix string, keys []launchsettings.Key) {
	fmt.Fprintf(b, "\n## %s\n", title)
	entries(b, prefix, keys)
}

func entries(b *strings.Builder, prefix string, keys []launchsettings.Key) {
	for _, k := range keys {
		fmt.Fprintf(b, "\n### %s%s\n\n%s\n\nType: %s. Default: %s.\n", prefix, k.Name, k.Doc, typeName(k), k.Default)
		if k.Name != "gorun" { // which has a section of its own
			entries(b, prefix+k.Name+".", k.Keys)
		}
	}
}

func typeName(k launchsettings.Key) string {
	switch {
	case len(k.Enum) > 0:
		return "one of " + strings.Join(k.Enum, ", ")
	case k.Type == "strings":
		return "a list of strings, or one string"
	case k.Type == "variables":
		return "an object of strings"
	case k.Type == "integer":
		return fmt.Sprintf("integer, %d to %d", k.Min, k.Max)
	}
	return k.Type
}
