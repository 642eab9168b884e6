package webconfig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

type value[T any] = launchsettings.Value[T]

// attributeNames are those of <aspNetCore> (reference: servers.md, 1.1).
var attributeNames = []string{
	"processPath", "arguments", "startupTimeLimit", "shutdownTimeLimit", "rapidFailsPerMinute", "requestTimeout",
	"stdoutLogEnabled", "stdoutLogFile", "processesPerApplication", "forwardWindowsAuthToken",
	"disableStartUpErrorPage", "hostingModel",
}

// aspNetCore reads the element. What is set here wins over what an element before it has set.
func (r *reader) aspNetCore(e *element) {
	r.module.Place = r.text.Place(e.at.start, e.at.end)
	for _, a := range e.attributes {
		r.attribute(a)
	}
	for _, child := range e.children {
		switch child.name {
		case "environmentVariables":
			r.collection(child, "environmentVariable", &r.module.EnvironmentVariables)
		case "handlerSettings":
			r.collection(child, "handlerSetting", &r.module.HandlerSettings)
		case "recycleOnFileChange":
			r.recycleOnFileChange(child)
		default:
			r.unknownElement(child, e, "environmentVariables", "handlerSettings", "recycleOnFileChange")
		}
	}
}

func (r *reader) attribute(a attribute) {
	m := r.module
	switch a.name {
	case "processPath":
		if a.value == "" {
			r.fail(a.place, `name the program to start: processPath=".\api.exe"`, `the attribute "processPath" is required, and is empty`)
		}
		m.ProcessPath = set(r, a, a.value) // set all the same, so that this is said once
	case "arguments":
		m.Arguments = set(r, a, a.value)
	case "startupTimeLimit":
		m.StartupTimeLimit = seconds(r.integer(a))
	case "shutdownTimeLimit":
		m.ShutdownTimeLimit = seconds(r.integer(a))
	case "rapidFailsPerMinute":
		m.RapidFailsPerMinute = count(r.integer(a))
	case "processesPerApplication":
		m.ProcessesPerApplication = count(r.integer(a))
	case "requestTimeout":
		m.RequestTimeout = r.timeout(a)
	case "stdoutLogEnabled":
		m.StdoutLogEnabled = r.boolean(a)
	case "stdoutLogFile":
		m.StdoutLogFile = set(r, a, a.value)
	case "forwardWindowsAuthToken":
		m.ForwardWindowsAuthToken = r.boolean(a)
	case "disableStartUpErrorPage":
		m.DisableStartUpErrorPage = r.boolean(a)
	case "hostingModel":
		m.HostingModel = r.hostingModel(a)
	default:
		r.otherAttribute(a, "aspNetCore", attributeNames)
	}
}

// hostingModel is empty, or one of two words in any case.
func (r *reader) hostingModel(a attribute) value[string] {
	switch {
	case a.value == "":
		return value[string]{}
	case strings.EqualFold(a.value, launchsettings.InProcess):
		return set(r, a, launchsettings.InProcess)
	case strings.EqualFold(a.value, launchsettings.OutOfProcess):
		return set(r, a, launchsettings.OutOfProcess)
	}
	r.fail(a.place, `write hostingModel="inprocess" or hostingModel="outofprocess"`, "unknown hosting model %q", a.value)
	return value[string]{}
}

// otherAttribute reports an attribute that the element does not have. Every element of IIS's configuration may be
// locked, and have namespaces declared.
func (r *reader) otherAttribute(a attribute, element string, known []string) {
	if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") || strings.HasPrefix(a.name, "lock") {
		return
	}
	if a.name == "configSource" {
		r.warn(a.at, "put the settings into this file", "gorun does not read the file that configSource names")
		return
	}
	suggestion := ""
	if near := closest.Word(a.name, known); near != "" {
		suggestion = fmt.Sprintf("did you mean %q? names are case-sensitive", near)
	}
	r.fail(a.at, suggestion, "<%s> has no attribute %q", element, a.name)
}

func (r *reader) unknownElement(child, parent *element, known ...string) {
	suggestion := "it may hold <" + strings.Join(known, ">, <") + ">"
	r.fail(child.at, suggestion, "<%s> has no element <%s>", parent.name, child.name)
}

// collection reads elements with a name and a value. <clear /> takes away what stood before it.
func (r *reader) collection(e *element, each string, list *[]launchsettings.Variable) {
	for _, a := range e.attributes {
		r.otherAttribute(a, e.name, nil)
	}
	for _, child := range e.children {
		switch child.name {
		case each:
			if v, ok := r.named(child); ok {
				r.add(list, v, child)
			}
		case "clear":
			*list = nil
		default:
			r.unknownElement(child, e, each, "clear")
		}
	}
}

// named reads one element of a collection.
func (r *reader) named(e *element) (launchsettings.Variable, bool) {
	for _, a := range e.attributes {
		if a.name != "name" && a.name != "value" {
			r.otherAttribute(a, e.name, []string{"name", "value"})
		}
	}
	name, hasName := e.attribute("name")
	content, hasValue := e.attribute("value")
	switch {
	case !hasName:
		r.fail(e.at, "", `<%s> needs the attribute "name"`, e.name)
	case name.value == "":
		r.fail(name.place, "", `the attribute "name" is empty`)
	case strings.Contains(name.value, "=") && e.name == "environmentVariable":
		r.fail(name.place, `remove the "="`, `the name of a variable cannot hold "="`)
	case !hasValue:
		r.fail(e.at, `an empty value is written value=""`, `<%s> needs the attribute "value"`, e.name)
	default:
		return launchsettings.Variable{Name: name.value, Value: set(r, content, content.value)}, true
	}
	return launchsettings.Variable{}, false
}

// add adds v, in its old place where its name is there already: the last value counts.
func (r *reader) add(list *[]launchsettings.Variable, v launchsettings.Variable, e *element) {
	i := slices.IndexFunc(*list, func(o launchsettings.Variable) bool { return o.Name == v.Name })
	if i < 0 {
		*list = append(*list, v)
		return
	}
	r.warn(e.at, fmt.Sprintf("remove one of them; the first is in line %d", (*list)[i].Value.Place.Start.Line),
		"%q stands here a second time, and this one counts", v.Name)
	(*list)[i] = v
}

// handlerSettings gives known names the reference's spelling, and warns of the others.
func (r *reader) handlerSettings() {
	for i, s := range r.module.HandlerSettings {
		name, known := launchsettings.HandlerSettingName(s.Name)
		r.module.HandlerSettings[i].Name = name
		if !known {
			d := launchsettings.UnknownHandlerSetting(name)
			at := s.Value.Place
			r.report(d.Code, d.Severity, span{at.Start.Offset, at.End.Offset}, d.Message, d.Suggestion)
		}
	}
}

// recycleOnFileChange is accepted and without effect: no version of the module reads it (reference: servers.md, 9, Q4).
func (r *reader) recycleOnFileChange(e *element) {
	for _, child := range e.children {
		switch child.name {
		case "file":
			if path, ok := child.attribute("path"); !ok || path.value == "" {
				r.fail(child.at, "", `<file> needs the attribute "path"`)
			}
		case "clear":
		default:
			r.unknownElement(child, e, "file", "clear")
		}
	}
}

func set[T any](r *reader, a attribute, v T) value[T] {
	return value[T]{V: v, Place: r.text.Place(a.place.start, a.place.end), Set: true}
}

// integer reads a whole number within the range of its name.
func (r *reader) integer(a attribute) value[int64] {
	low, high := launchsettings.ModuleRange(a.name)
	unsigned, err := strconv.ParseUint(a.value, 10, 63) // no sign
	n := int64(unsigned)
	if err != nil || n < low || n > high {
		r.fail(a.place, "", "%q wants a whole number from %d to %d, not %q", a.name, low, high, a.value)
		return value[int64]{}
	}
	return set(r, a, n)
}

func (r *reader) boolean(a attribute) value[bool] {
	yes := strings.EqualFold(a.value, "true")
	if !yes && !strings.EqualFold(a.value, "false") {
		r.fail(a.place, "", "%q wants true or false, not %q", a.name, a.value)
		return value[bool]{}
	}
	return set(r, a, yes)
}

func (r *reader) timeout(a attribute) value[time.Duration] {
	d, err := launchsettings.ParseRequestTimeout(a.value)
	if err != nil {
		r.fail(a.place, "minutes and seconds are from 00 to 59", "%q %v", a.name, err)
		return value[time.Duration]{}
	}
	return set(r, a, d)
}

func seconds(v value[int64]) value[time.Duration] {
	return value[time.Duration]{V: time.Duration(v.V) * time.Second, Place: v.Place, Set: v.Set}
}

func count(v value[int64]) value[int] {
	return value[int]{V: int(v.V), Place: v.Place, Set: v.Set}
}

// inOrder is what was found, in the order of the file.
func (r *reader) inOrder() diagnostic.List {
	slices.SortStableFunc(r.found, func(a, b diagnostic.Diagnostic) int { return a.Place.Start.Offset - b.Place.Start.Offset })
	return r.found
}
