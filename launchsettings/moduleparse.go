package launchsettings

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/diagnostic"
)

func (p *parser) module(m *Module, v gjson.Result) {
	members, ok := p.known("module", v, ModuleKeys())
	if !ok {
		return
	}
	m.Place = p.place(v)
	m.ProcessPath = p.string(members, "processPath")
	m.Arguments = p.string(members, "arguments")
	m.HostingModel = p.oneOf(p.string(members, "hostingModel"), "hostingModel", InProcess, OutOfProcess)
	m.StartupTimeLimit = seconds(p.moduleInteger(members, "startupTimeLimit"))
	m.ShutdownTimeLimit = seconds(p.moduleInteger(members, "shutdownTimeLimit"))
	m.RequestTimeout = checked(p, p.string(members, "requestTimeout"), "requestTimeout", ParseRequestTimeout)
	m.RapidFailsPerMinute = count(p.moduleInteger(members, "rapidFailsPerMinute"))
	m.ProcessesPerApplication = count(p.moduleInteger(members, "processesPerApplication"))
	m.StdoutLogEnabled = p.bool(members, "stdoutLogEnabled", false)
	m.StdoutLogFile = p.string(members, "stdoutLogFile")
	m.DisableStartUpErrorPage = p.bool(members, "disableStartUpErrorPage", false)
	m.ForwardWindowsAuthToken = p.bool(members, "forwardWindowsAuthToken", false)
	m.EnvironmentVariables = p.variables(members)
	m.HandlerSettings = p.handlerSettings(members)
	m.MaxAllowedContentLength = p.moduleInteger(members, "maxAllowedContentLength")
	m.ClientCertificateMode = p.oneOf(p.string(members, "clientCertificateMode"), "clientCertificateMode", ClientCertificateModes()...)
	m.ApplicationPath = checked(p, p.string(members, "applicationPath"), "applicationPath", checkApplicationPath)
	m.Preload = p.bool(members, "preload", false)
	m.Protocols = p.oneOf(p.string(members, "protocols"), "protocols", moduleProtocols()...)
	m.DetailedErrors = p.bool(members, "detailedErrors", false)
	m.WebConfig = p.string(members, "webConfig")
}

// moduleInteger reads a whole number within the range of its key.
func (p *parser) moduleInteger(m map[string]gjson.Result, name string) Value[int64] {
	v, ok := m[name]
	if !ok || v.Type == gjson.Null {
		return Value[int64]{}
	}
	low, high := ModuleRange(name)
	n, err := strconv.ParseInt(v.Raw, 10, 64)
	if v.Type != gjson.Number || err != nil || n < low || n > high {
		p.report("wrong-value", diagnostic.Error, v.Index, v.Index+len(v.Raw),
			fmt.Sprintf("%q wants a whole number from %d to %d, not %s", name, low, high, v.Raw), "")
		return Value[int64]{}
	}
	return Value[int64]{V: n, Place: p.place(v), Set: true}
}

// checked is v as parse reads it; what parse refuses is reported.
func checked[T any](p *parser, v Value[string], name string, parse func(string) (T, error)) Value[T] {
	if !v.Set {
		return Value[T]{}
	}
	parsed, err := parse(v.V)
	if err != nil {
		p.reportAt(v.Place, "wrong-value", diagnostic.Error, fmt.Sprintf("%q %v", name, err), "")
		return Value[T]{}
	}
	return Value[T]{V: parsed, Place: v.Place, Set: true}
}

func seconds(v Value[int64]) Value[time.Duration] {
	return Value[time.Duration]{V: time.Duration(v.V) * time.Second, Place: v.Place, Set: v.Set}
}

func count(v Value[int64]) Value[int] {
	return Value[int]{V: int(v.V), Place: v.Place, Set: v.Set}
}

// handlerSettings reads an object of strings whose names the module knows.
func (p *parser) handlerSettings(m map[string]gjson.Result) []Variable {
	settings := p.namedStrings(m, "handlerSettings", "the handler setting", func(gjson.Result) bool { return true })
	for i := range settings {
		name, known := HandlerSettingName(settings[i].Name)
		settings[i].Name = name
		if !known {
			d := UnknownHandlerSetting(name)
			p.reportAt(settings[i].Value.Place, d.Code, d.Severity, d.Message, d.Suggestion)
		}
	}
	return settings
}

// UnknownHandlerSetting is the warning for the name of a handler setting that the module does not know, without a
// place.
func UnknownHandlerSetting(name string) Diagnostic {
	d := Diagnostic{Code: "unknown-handler-setting", Severity: diagnostic.Warning,
		Message: fmt.Sprintf("the module knows no handler setting %q", name)}
	if near := closest.Word(name, handlerSettings); near != "" {
		d.Suggestion = fmt.Sprintf("did you mean %q?", near)
	}
	return d
}
