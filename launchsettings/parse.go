package launchsettings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tidwall/jsonc"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// Parse reads the bytes of a launchSettings.json. The path only serves to say where things stand.
//
// It never fails: what is wrong is in the Diagnostics of the Settings (the file as a whole) and of each Profile.
// Duplicate properties are warnings, and the last one counts, as in .NET. Two profiles of one name are both kept.
func Parse(path string, data []byte) Settings {
	t := NewText(path, data)
	s := Settings{Path: path}
	if failure := checkSyntax(t); failure != nil {
		s.Diagnostics = diagnostic.List{*failure}
		return s
	}
	p := &parser{text: t, found: &s.Diagnostics}
	root := gjson.ParseBytes(jsonc.ToJSON(t.data))
	p.settings(&s, root)
	return s
}

const codeNoProfiles = "no-profiles"

// parser turns JSON values into settings. What it finds wrong goes to found, which is the list of the profile that
// is being read, or of the file.
type parser struct {
	text  *Text
	found *diagnostic.List
}

func (p *parser) settings(s *Settings, root gjson.Result) {
	if !root.IsObject() {
		p.wrongType("the file", "an object", root)
		return
	}
	members := p.object(root)
	profiles, ok := members["profiles"]
	switch {
	case !ok:
		message := `there is no "profiles" in this file`
		code, suggestion := codeNoProfiles, `add "profiles": {}; "gorun init" shows how a settings file looks`
		for name := range members {
			if strings.EqualFold(name, "profiles") {
				code = "misspelt-profiles"
				suggestion = fmt.Sprintf(`%q is written "profiles": names are case-sensitive`, name)
			}
		}
		p.report(code, diagnostic.Error, 0, 0, message, suggestion)
	case !profiles.IsObject():
		p.wrongType(`"profiles"`, "an object", profiles)
	default:
		p.profiles(s, profiles)
	}
	if iis, ok := members["iisSettings"]; ok && iis.Type != gjson.Null {
		(&parser{text: p.text, found: &s.IIS.Diagnostics}).iis(&s.IIS, iis)
	}
}

// object returns the members of a JSON object. Of equal names the last counts, and the earlier ones are a warning.
func (p *parser) object(v gjson.Result) map[string]gjson.Result {
	members := map[string]gjson.Result{}
	v.ForEach(func(key, value gjson.Result) bool {
		if earlier, ok := members[key.String()]; ok {
			p.report("duplicate-key", diagnostic.Warning, key.Index, key.Index+len(key.Raw),
				fmt.Sprintf("%q stands here a second time, and this one counts", key.String()),
				fmt.Sprintf("remove one of them; the first is in line %d", p.text.position(earlier.Index).Line))
		}
		members[key.String()] = value
		return true
	})
	return members
}

func (p *parser) profiles(s *Settings, v gjson.Result) {
	v.ForEach(func(key, value gjson.Result) bool {
		profile := Profile{
			Name:   key.String(),
			Place:  p.text.Place(key.Index, key.Index+len(key.Raw)),
			Object: value.IsObject(),
		}
		inner := &parser{text: p.text, found: &profile.Diagnostics}
		if profile.Object {
			inner.profile(&profile, inner.object(value))
			profile.Other = inner.others(value)
		} else {
			inner.wrongType(fmt.Sprintf("the profile %q", profile.Name), "an object", value)
		}
		slices.SortStableFunc(profile.Diagnostics, func(a, b Diagnostic) int {
			return a.Place.Start.Offset - b.Place.Start.Offset
		})
		s.Profiles = append(s.Profiles, profile)
		return true
	})
}

func (p *parser) profile(profile *Profile, m map[string]gjson.Result) {
	profile.CommandName = p.commandName(m)
	profile.CommandLineArgs = p.string(m, "commandLineArgs")
	profile.ApplicationURL = p.string(m, "applicationUrl")
	profile.LaunchURL = p.string(m, "launchUrl")
	profile.LaunchBrowser = p.bool(m, "launchBrowser", false)
	profile.DotnetRunMessages = p.bool(m, "dotnetRunMessages", true)
	profile.EnvironmentVariables = p.variables(m)
	if own, ok := m["gorun"]; ok && own.Type != gjson.Null {
		p.gorun(&profile.Gorun, own)
	}
	// A command ignores what belongs to others, whatever it is; the personal file may still change the command.
	others := &parser{text: p.text, found: new(diagnostic.List)}
	executable, front := others, others
	switch profile.CommandName.V {
	case CommandProject:
	case CommandIISExpress, CommandIIS:
		front = p
	default:
		executable = p
	}
	if strings.EqualFold(profile.Gorun.Server.V, "module") {
		front = p
	}
	profile.ExecutablePath = executable.string(m, "executablePath")
	profile.WorkingDirectory = executable.string(m, "workingDirectory")
	profile.AncmHostingModel = front.oneOf(front.string(m, "ancmHostingModel"), "ancmHostingModel", InProcess, OutOfProcess)
}

// others are the properties of a profile that ProfileKeys does not know.
func (p *parser) others(v gjson.Result) []Property {
	keys := ProfileKeys()
	var out []Property
	v.ForEach(func(key, value gjson.Result) bool {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == key.String() }) {
			out = append(out, Property{Name: key.String(), JSON: value.Raw, Place: p.place(value)})
		}
		return true
	})
	return out
}

// commandName is not checked for its type: .NET passes over a profile whose commandName is no string.
func (p *parser) commandName(m map[string]gjson.Result) Value[string] {
	v, ok := m["commandName"]
	if !ok {
		return Value[string]{}
	}
	if v.Type != gjson.String {
		return Value[string]{Place: p.place(v)}
	}
	return Value[string]{V: v.String(), Place: p.place(v), Set: true}
}

func (p *parser) gorun(g *Gorun, v gjson.Result) {
	m, ok := p.known("gorun", v, GorunKeys())
	if !ok {
		return
	}
	g.Package = p.string(m, "package")
	g.Server = p.string(m, "server")
	g.Configuration = p.oneOf(p.string(m, "configuration"), "configuration", "Debug", "Release")
	g.BuildFlags = p.strings(m, "buildFlags")
	g.DebugDependencies = p.bool(m, "debugDependencies", false)
	g.EnvFile = p.paths(m, "envFile")
	g.Env = p.oneOf(p.string(m, "env"), "env", "profile", "shell")
	if stop, ok := m["stop"]; ok && stop.Type != gjson.Null {
		p.stop(&g.Stop, stop)
	}
	if module, ok := m["module"]; ok && module.Type != gjson.Null {
		p.module(&g.Module, module)
	}
}

func (p *parser) stop(s *Stop, v gjson.Result) {
	m, ok := p.known("stop", v, StopKeys())
	if !ok {
		return
	}
	s.Signal = p.oneOf(p.string(m, "signal"), "signal", stopSignals...)
	timeout := p.string(m, "timeout")
	if !timeout.Set {
		return
	}
	d, err := time.ParseDuration(timeout.V)
	if err != nil || d <= 0 {
		p.reportAt(timeout.Place, "wrong-value", diagnostic.Error,
			fmt.Sprintf(`"timeout" wants a time such as "10s", not %q`, timeout.V), "")
		return
	}
	s.Timeout = Value[time.Duration]{V: d, Place: timeout.Place, Set: true}
}

func (p *parser) iis(iis *IIS, v gjson.Result) {
	if !v.IsObject() {
		p.wrongType(`"iisSettings"`, "an object", v)
		return
	}
	m := p.object(v)
	iis.WindowsAuthentication = p.bool(m, "windowsAuthentication", false)
	iis.AnonymousAuthentication = p.bool(m, "anonymousAuthentication", false)
	for _, part := range []struct {
		name string
		site *IISSite
	}{{"iisExpress", &iis.Express}, {"iis", &iis.Site}} {
		name, site := part.name, part.site
		v, ok := m[name]
		switch {
		case !ok || v.Type == gjson.Null:
		case !v.IsObject():
			p.wrongType(fmt.Sprintf("%q", name), "an object", v)
		default:
			inner := p.object(v)
			site.ApplicationURL = p.string(inner, "applicationUrl")
			site.SSLPort = p.port(inner, "sslPort")
		}
	}
}

// known returns the members of one of gorun's own objects. Names that it does not know are warnings, because a
// later gorun may know them.
func (p *parser) known(name string, v gjson.Result, keys []Key) (map[string]gjson.Result, bool) {
	if !v.IsObject() {
		p.wrongType(fmt.Sprintf("%q", name), "an object", v)
		return nil, false
	}
	v.ForEach(func(key, _ gjson.Result) bool {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == key.String() }) {
			names := make([]string, len(keys))
			for i, k := range keys {
				names[i] = k.Name
			}
			p.report("unknown-key", diagnostic.Warning, key.Index, key.Index+len(key.Raw),
				fmt.Sprintf("this gorun knows no %q in %q", key.String(), name), "it knows "+strings.Join(names, ", "))
		}
		return true
	})
	return p.object(v), true
}
