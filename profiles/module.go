package profiles

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/launchsettings"
)

// Module is what the ASP.NET Core Module in front of the program is told: its settings, decided. Each is the one of
// "gorun": {"module"} in the profile, else of web.config, else the reference's default (reference: servers.md, 1.1).
// The zero Module is that of a plan without the module.
type Module struct {
	Root            string          `json:"root"`            // the application's folder, absolute: the project folder, where app_offline.htm may stand
	WebConfig       Setting[string] `json:"webConfig"`       // the web.config that was read, absolute; "" for none
	Reads           []string        `json:"reads"`           // the files that the plan is made from, absolute, also those that are not there yet
	ApplicationPath Setting[string] `json:"applicationPath"` // "/", or begins with / and does not end with one

	StartupTimeLimit  Setting[time.Duration] `json:"startupTimeLimit"`  // in JSON nanoseconds, as all times here; 0 is no time at all
	ShutdownTimeLimit Setting[time.Duration] `json:"shutdownTimeLimit"` // 0 is no time at all
	RequestTimeout    Setting[time.Duration] `json:"requestTimeout"`    // OutOfProcess only

	RapidFailsPerMinute     Setting[int] `json:"rapidFailsPerMinute"`
	ProcessesPerApplication Setting[int] `json:"processesPerApplication"` // 1 when InProcess

	StdoutLogEnabled Setting[bool]   `json:"stdoutLogEnabled"`
	StdoutLogFile    Setting[string] `json:"stdoutLogFile"` // absolute, with neither time nor ending

	DisableStartUpErrorPage Setting[bool]    `json:"disableStartUpErrorPage"`
	DetailedErrors          Setting[bool]    `json:"detailedErrors"`
	ForwardWindowsAuthToken Setting[bool]    `json:"forwardWindowsAuthToken"` // has no effect: the front knows no Windows authentication
	HandlerSettings         []HandlerSetting `json:"handlerSettings,omitempty"`

	Preload                 Setting[bool]   `json:"preload"`
	Protocols               Setting[string] `json:"protocols"`               // of the front, in Kestrel's words
	MaxAllowedContentLength Setting[int64]  `json:"maxAllowedContentLength"` // of a request's body, in bytes
	ClientCertificateMode   Setting[string] `json:"clientCertificateMode"`   // of https, in Kestrel's words
}

// HandlerSetting is one of the module's finer settings (reference: servers.md, 1.2).
type HandlerSetting struct {
	Name   string `json:"name"` // in the reference's spelling, where it knows the name
	Value  string `json:"value"`
	Origin Origin `json:"origin"`
}

// HandlerSetting gives the value of a handler setting, "" where it is not set. Case does not count in the name.
func (m Module) HandlerSetting(name string) string {
	for _, s := range m.HandlerSettings {
		if strings.EqualFold(s.Name, name) {
			return s.Value
		}
	}
	return ""
}

// module decides the module's settings, but for DetailedErrors, which the environment has a say in.
func (r *resolver) module(plan Plan, pathOfURL Setting[string]) Module {
	own, web := r.Profile.Gorun.Module, r.request.WebConfig.Module
	paths := pathRules(r.request.GOOS)
	m := Module{
		Root:                    r.request.Project,
		Reads:                   r.reads(),
		StartupTimeLimit:        layered("startupTimeLimit", own.StartupTimeLimit, web.StartupTimeLimit, 120*time.Second),
		ShutdownTimeLimit:       layered("shutdownTimeLimit", own.ShutdownTimeLimit, web.ShutdownTimeLimit, 10*time.Second),
		RequestTimeout:          layered("requestTimeout", own.RequestTimeout, web.RequestTimeout, 2*time.Minute),
		RapidFailsPerMinute:     layered("rapidFailsPerMinute", own.RapidFailsPerMinute, web.RapidFailsPerMinute, 10),
		ProcessesPerApplication: layered("processesPerApplication", own.ProcessesPerApplication, web.ProcessesPerApplication, 1),
		StdoutLogEnabled:        layered("stdoutLogEnabled", own.StdoutLogEnabled, web.StdoutLogEnabled, false),
		StdoutLogFile:           layered("stdoutLogFile", own.StdoutLogFile, web.StdoutLogFile, ""),
		DisableStartUpErrorPage: layered("disableStartUpErrorPage", own.DisableStartUpErrorPage, web.DisableStartUpErrorPage, false),
		ForwardWindowsAuthToken: layered("forwardWindowsAuthToken", own.ForwardWindowsAuthToken, web.ForwardWindowsAuthToken, true),
		MaxAllowedContentLength: layered("maxAllowedContentLength", own.MaxAllowedContentLength, web.MaxAllowedContentLength, 30_000_000),
		ApplicationPath:         decided("gorun.module.applicationPath", own.ApplicationPath, "/"),
		Preload:                 decided("gorun.module.preload", own.Preload, false),
		Protocols:               decided("gorun.module.protocols", own.Protocols, "Http1AndHttp2"),
		ClientCertificateMode:   decided("gorun.module.clientCertificateMode", own.ClientCertificateMode, noCertificate),
		HandlerSettings:         handlerSettings(own, web),
	}
	if !own.ClientCertificateMode.Set {
		m.ClientCertificateMode = decided("sslFlags", web.ClientCertificateMode, noCertificate)
	}
	if path := r.request.WebConfig.Path; path != "" {
		m.WebConfig = decided("gorun.module.webConfig", own.WebConfig, "")
		m.WebConfig.Value = path
	} else {
		m.WebConfig.Origin = fromDefault()
	}
	if !own.ApplicationPath.Set && pathOfURL.Value != "" {
		m.ApplicationPath = pathOfURL
	}
	file := cmp.Or(r.request.expandModule(m.StdoutLogFile.Value), `.\aspnetcore-stdout`)
	m.StdoutLogFile.Value = paths.join(r.request.Project, paths.separators(file))
	if p := &m.ProcessesPerApplication; plan.Hosting.Value == launchsettings.InProcess && p.Value > 1 {
		r.warn("one-process", p.Origin.Place, `"processesPerApplication" has no effect in-process: there is one`, `OutOfProcess may have several`)
		p.Value = 1
	}
	return m
}

// noCertificate is the mode in which clients are not asked for one.
const noCertificate = "NoCertificate"

// reads are the files whose change may make it another plan.
func (r *resolver) reads() []string {
	paths := pathRules(r.request.GOOS)
	settings := r.Settings.Path
	list := []string{settings, paths.join(paths.dir(settings), launchsettings.PersonalName)}
	if config, _ := r.WebConfig(r.request); config != "" {
		list = append(list, config)
	}
	return append(list, r.Needs(r.request).EnvFiles...)
}

// layered is the Setting of the profile's own value, else of web.config's, else the default.
func layered[T any](name string, own, web launchsettings.Value[T], otherwise T) Setting[T] {
	if own.Set {
		return decided("gorun.module."+name, own, otherwise)
	}
	return decided(name, web, otherwise)
}

// handlerSettings are those of web.config, with the profile's in place of those of the same name.
func handlerSettings(own, web launchsettings.Module) []HandlerSetting {
	var out []HandlerSetting
	add := func(property string, v launchsettings.Variable) {
		s := HandlerSetting{v.Name, v.Value.V, fromFile(property, v.Value.Place)}
		i := slices.IndexFunc(out, func(o HandlerSetting) bool { return strings.EqualFold(o.Name, s.Name) })
		if i < 0 {
			out = append(out, s)
			return
		}
		out[i] = s
	}
	for _, v := range web.HandlerSettings {
		add("handlerSettings", v)
	}
	for _, v := range own.HandlerSettings {
		add("gorun.module.handlerSettings", v)
	}
	return out
}

// hosting decides the hosting model: the profile's, else the module's, else what any program can do.
func (r *resolver) hosting() Setting[string] {
	own, web := r.Profile.Gorun.Module, r.request.WebConfig.Module
	h := layered("hostingModel", own.HostingModel, web.HostingModel, launchsettings.OutOfProcess)
	if v := r.Profile.AncmHostingModel; v.Set {
		h = decided("ancmHostingModel", v, "")
	}
	if h.Value == launchsettings.InProcess && r.request.GOOS == "windows" {
		r.warn("hosting-model", h.Origin.Place, "in-process hosting needs listening sockets that are handed over, which Windows cannot do here; the program is hosted out-of-process",
			"write OutOfProcess to silence this")
		h.Value = launchsettings.OutOfProcess
	}
	return h
}

// detailedErrors are on when the profile says so, else where the program's environment does (reference: servers.md,
// 1.11).
func (r *resolver) detailedErrors(env *environment) Setting[bool] {
	if own := r.Profile.Gorun.Module.DetailedErrors; own.Set {
		return decided("gorun.module.detailedErrors", own, false)
	}
	if v, ok := env.find("ASPNETCORE_DETAILEDERRORS"); ok && isTrue(v.Value) {
		return Setting[bool]{true, v.Origin}
	}
	for _, name := range []string{"ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"} {
		if v, ok := env.find(name); ok && strings.EqualFold(v.Value, "Development") {
			return Setting[bool]{true, v.Origin}
		}
	}
	return Setting[bool]{false, fromDefault()}
}

// isTrue is how the module reads a variable that switches something on.
func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }

// checkModule warns of settings that have no effect with this profile.
func (r *resolver) checkModule(plan Plan) {
	own := r.Profile.Gorun.Module
	if plan.Server.Value != serverModule {
		if !own.Place.IsZero() {
			r.warn("no-module", own.Place, `"module" has no effect: no module stands in front of this program`,
				`add "server": "module" to "gorun", or remove these settings`)
		}
		return
	}
	r.warnings = append(r.warnings, r.request.WebConfig.Diagnostics.Warnings()...)
	r.errors = append(r.errors, r.request.WebConfig.Diagnostics.Errors()...)
	if c := plan.Command; c == launchsettings.CommandIISExpress || c == launchsettings.CommandIIS {
		r.checkAuthentication()
		return
	}
	for _, v := range []launchsettings.Value[string]{own.ProcessPath, own.Arguments} {
		if v.Set {
			r.warn("no-process-path", v.Place, `"processPath" and "arguments" choose the program of IISExpress and IIS profiles only`,
				`use "commandLineArgs", or "executablePath" of an Executable profile`)
		}
	}
}

// checkAuthentication says where iisSettings ask for what gorun's front does not have.
func (r *resolver) checkAuthentication() {
	windows, anonymous := r.Settings.IIS.WindowsAuthentication, r.Settings.IIS.AnonymousAuthentication
	switch {
	case windows.V:
		r.warn("windows-authentication", windows.Place, `"windowsAuthentication" has no effect: gorun's front knows no Windows authentication, and lets requests pass without a user`,
			`set it to false, or try this under IIS on Windows`)
	case anonymous.Set && !anonymous.V:
		r.warn("no-authentication", anonymous.Place, `"anonymousAuthentication" is false and there is no other: under IIS nobody would get in; gorun's front lets requests pass without a user`,
			`set it to true`)
	}
}
