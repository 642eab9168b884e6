package launchsettings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/tidwall/gjson"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// The methods here read one member of an object each. A member that is not there gives the zero Value; one of the
// wrong type gives the zero Value and a Diagnostic.

func (p *parser) place(v gjson.Result) Place {
	return p.text.Place(v.Index, v.Index+len(v.Raw))
}

func (p *parser) report(code string, severity diagnostic.Severity, start, end int, message, suggestion string) {
	*p.found = append(*p.found, p.text.Diagnose(code, severity, start, end, message, suggestion))
}

func (p *parser) reportAt(at Place, code string, severity diagnostic.Severity, message, suggestion string) {
	p.report(code, severity, at.Start.Offset, at.End.Offset, message, suggestion)
}

func (p *parser) wrongType(name, want string, v gjson.Result) {
	p.report("wrong-type", diagnostic.Error, v.Index, v.Index+len(v.Raw),
		fmt.Sprintf("%s wants %s, not %s", name, want, kind(v)), "")
}

// kind names what v is, as a person would.
func kind(v gjson.Result) string {
	switch {
	case v.IsObject():
		return "an object"
	case v.IsArray():
		return "a list"
	case v.Type == gjson.String:
		return "a string"
	case v.Type == gjson.Number:
		return "a number"
	case v.Type == gjson.Null:
		return "null"
	}
	return v.Raw // true or false
}

func (p *parser) string(m map[string]gjson.Result, name string) Value[string] {
	v, ok := m[name]
	switch {
	case !ok || v.Type == gjson.Null:
		return Value[string]{}
	case v.Type != gjson.String:
		p.wrongType(fmt.Sprintf("%q", name), "a string", v)
		return Value[string]{}
	}
	return p.stringValue(v)
}

// stringValue is the value of v, which is a string, with what no string may hold reported.
func (p *parser) stringValue(v gjson.Result) Value[string] {
	s := v.String()
	if at := loneSurrogate(v.Raw); at >= 0 {
		p.report("wrong-value", diagnostic.Error, v.Index+at, v.Index+at+6,
			"half of a surrogate pair is no character", "write the character itself, in UTF-8")
		return Value[string]{}
	}
	if strings.ContainsRune(s, 0) {
		p.report("nul", diagnostic.Error, v.Index, v.Index+len(v.Raw),
			"a NUL character cannot be handed to a program", "remove the \\u0000")
		return Value[string]{}
	}
	return Value[string]{V: s, Place: p.place(v), Set: true}
}

// loneSurrogate returns where the JSON string raw has a \u escape that is half of a surrogate pair without the other
// half, or -1. .NET refuses such a value when it is used.
func loneSurrogate(raw string) int {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		r := escapedRune(raw[i:])
		if !utf16.IsSurrogate(r) {
			i += 5
			continue
		}
		if utf16.DecodeRune(r, escapedRune(raw[i+6:])) == '\uFFFD' {
			return i
		}
		i += 11
	}
	return -1
}

// escapedRune reads the \uXXXX at the beginning of s; -1 if there is none.
func escapedRune(s string) rune {
	if len(s) < 6 || s[:2] != `\u` {
		return -1
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// bool reads true or false. Where words is set the strings "true" and "false" are accepted, as Visual Studio does.
func (p *parser) bool(m map[string]gjson.Result, name string, words bool) Value[bool] {
	v, ok := m[name]
	switch {
	case !ok:
		return Value[bool]{}
	case v.IsBool(), words && v.Type == gjson.String && (strings.EqualFold(v.Str, "true") || strings.EqualFold(v.Str, "false")):
		return Value[bool]{V: strings.EqualFold(v.String(), "true"), Place: p.place(v), Set: true}
	}
	p.wrongType(fmt.Sprintf("%q", name), "true or false", v)
	return Value[bool]{}
}

func (p *parser) port(m map[string]gjson.Result, name string) Value[int] {
	v, ok := m[name]
	if !ok || v.Type == gjson.Null {
		return Value[int]{}
	}
	n, err := strconv.ParseUint(v.Raw, 10, 16)
	if v.Type != gjson.Number || err != nil {
		p.report("wrong-value", diagnostic.Error, v.Index, v.Index+len(v.Raw),
			fmt.Sprintf("%q wants a port from 0 to 65535", name), "")
		return Value[int]{}
	}
	return Value[int]{V: int(n), Place: p.place(v), Set: true}
}

// oneOf checks that v, where it is set, is one of the words. Case does not matter; the word's own spelling is kept.
func (p *parser) oneOf(v Value[string], name string, words ...string) Value[string] {
	if !v.Set {
		return v
	}
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, v.V) })
	if i < 0 {
		p.reportAt(v.Place, "wrong-value", diagnostic.Error,
			fmt.Sprintf("%q wants %s, not %q", name, joinWords(words), v.V), "")
		return Value[string]{}
	}
	v.V = words[i]
	return v
}

// strings reads a list of strings, or one string that is split at spaces as commandLineArgs are.
func (p *parser) strings(m map[string]gjson.Result, name string) Value[[]string] {
	if m[name].Type == gjson.String {
		s := p.string(m, name)
		return Value[[]string]{V: SplitArgs(s.V), Place: s.Place, Set: s.Set}
	}
	return p.paths(m, name)
}

// paths reads a list of strings, or one string.
func (p *parser) paths(m map[string]gjson.Result, name string) Value[[]string] {
	v, ok := m[name]
	switch {
	case !ok || v.Type == gjson.Null:
		return Value[[]string]{}
	case v.Type == gjson.String:
		s := p.stringValue(v)
		return Value[[]string]{V: []string{s.V}, Place: s.Place, Set: s.Set}
	case !v.IsArray():
		p.wrongType(fmt.Sprintf("%q", name), "a list of strings", v)
		return Value[[]string]{}
	}
	out := Value[[]string]{Place: p.place(v), Set: true}
	v.ForEach(func(_, element gjson.Result) bool {
		if element.Type != gjson.String {
			p.wrongType(fmt.Sprintf("%q", name), "a list of strings, and this is", element)
			return true
		}
		out.V = append(out.V, p.stringValue(element).V)
		return true
	})
	return out
}

// variables reads environmentVariables.
func (p *parser) variables(m map[string]gjson.Result) []Variable {
	return p.namedStrings(m, "environmentVariables", "the variable", p.checkName)
}

// namedStrings reads an object of strings; usable reports whether a name can be used. null counts as none; a null
// value inside is an error, because .NET crashes on it. Of equal names the last value counts, at the place of the
// first.
func (p *parser) namedStrings(m map[string]gjson.Result, property, each string, usable func(gjson.Result) bool) []Variable {
	v, ok := m[property]
	switch {
	case !ok || v.Type == gjson.Null:
		return nil
	case !v.IsObject():
		p.wrongType(fmt.Sprintf("%q", property), "an object of strings", v)
		return nil
	}
	values := p.object(v) // reports the duplicates
	var out []Variable
	v.ForEach(func(key, _ gjson.Result) bool {
		name := key.String()
		value, ok := values[name]
		if !ok {
			return true // the second of two equal names
		}
		delete(values, name)
		if value.Type != gjson.String {
			p.wrongType(fmt.Sprintf("%s %q", each, name), "a string", value)
			return true
		}
		if !usable(key) {
			return true
		}
		out = append(out, Variable{Name: name, Value: p.stringValue(value)})
		return true
	})
	return out
}

// checkName reports what is odd about the name of a variable, and whether it can be used at all.
func (p *parser) checkName(key gjson.Result) bool {
	name, end := key.String(), key.Index+len(key.Raw)
	if strings.ContainsRune(name, 0) {
		p.report("nul", diagnostic.Error, key.Index, end, "the name of a variable cannot hold a NUL character", "remove the \\u0000")
		return false
	}
	if before, after, found := strings.Cut(name, "="); found {
		p.report("variable-name", diagnostic.Warning, key.Index, end,
			fmt.Sprintf(`an "=" ends the name of a variable: the program sees %q, and its value begins with %q`, before, after+"="),
			`remove the "="`)
	}
	return true
}
