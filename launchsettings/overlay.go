package launchsettings

import (
	"slices"
	"strings"
)

// Overlay lays the personal settings over the shared ones, property by property: what is set in personal wins,
// variables one by one, and profiles that only personal has come last. Profiles are matched by name, case ignored.
// Diagnostics of both are kept.
func Overlay(shared, personal Settings) Settings {
	out := shared
	out.Personal = personal.Path
	out.Diagnostics = slices.Clone(shared.Diagnostics)
	for _, d := range personal.Diagnostics {
		if d.Code != codeNoProfiles { // which it need not have
			out.Diagnostics = append(out.Diagnostics, d)
		}
	}
	out.Profiles = slices.Clone(shared.Profiles)
	out.IIS = overlayIIS(shared.IIS, personal.IIS)
	for _, over := range personal.Profiles {
		matched := false
		for i, p := range out.Profiles {
			if strings.EqualFold(p.Name, over.Name) && p.Object {
				out.Profiles[i] = overlayProfile(p, over)
				matched = true
			}
		}
		if !matched {
			out.Profiles = append(out.Profiles, over)
		}
	}
	return out
}

func overlayProfile(p, over Profile) Profile {
	p.CommandName = over.CommandName.Or(p.CommandName)
	p.CommandLineArgs = over.CommandLineArgs.Or(p.CommandLineArgs)
	p.ExecutablePath = over.ExecutablePath.Or(p.ExecutablePath)
	p.WorkingDirectory = over.WorkingDirectory.Or(p.WorkingDirectory)
	p.ApplicationURL = over.ApplicationURL.Or(p.ApplicationURL)
	p.LaunchURL = over.LaunchURL.Or(p.LaunchURL)
	p.LaunchBrowser = over.LaunchBrowser.Or(p.LaunchBrowser)
	p.DotnetRunMessages = over.DotnetRunMessages.Or(p.DotnetRunMessages)
	p.AncmHostingModel = over.AncmHostingModel.Or(p.AncmHostingModel)
	p.EnvironmentVariables = overlayVariables(p.EnvironmentVariables, over.EnvironmentVariables)
	p.Gorun = overlayGorun(p.Gorun, over.Gorun)
	p.Other = slices.Concat(p.Other, over.Other)
	p.Diagnostics = slices.Concat(p.Diagnostics, over.Diagnostics)
	return p
}

func overlayGorun(g, over Gorun) Gorun {
	return Gorun{
		Package:           over.Package.Or(g.Package),
		Server:            over.Server.Or(g.Server),
		Configuration:     over.Configuration.Or(g.Configuration),
		BuildFlags:        over.BuildFlags.Or(g.BuildFlags),
		DebugDependencies: over.DebugDependencies.Or(g.DebugDependencies),
		EnvFile:           over.EnvFile.Or(g.EnvFile),
		Env:               over.Env.Or(g.Env),
		Stop: Stop{
			Signal:  over.Stop.Signal.Or(g.Stop.Signal),
			Timeout: over.Stop.Timeout.Or(g.Stop.Timeout),
		},
		Module: overlayModule(g.Module, over.Module),
	}
}

func overlayModule(m, over Module) Module {
	out := Module{
		Place:                   m.Place,
		ProcessPath:             over.ProcessPath.Or(m.ProcessPath),
		Arguments:               over.Arguments.Or(m.Arguments),
		HostingModel:            over.HostingModel.Or(m.HostingModel),
		StartupTimeLimit:        over.StartupTimeLimit.Or(m.StartupTimeLimit),
		ShutdownTimeLimit:       over.ShutdownTimeLimit.Or(m.ShutdownTimeLimit),
		RequestTimeout:          over.RequestTimeout.Or(m.RequestTimeout),
		RapidFailsPerMinute:     over.RapidFailsPerMinute.Or(m.RapidFailsPerMinute),
		ProcessesPerApplication: over.ProcessesPerApplication.Or(m.ProcessesPerApplication),
		StdoutLogEnabled:        over.StdoutLogEnabled.Or(m.StdoutLogEnabled),
		StdoutLogFile:           over.StdoutLogFile.Or(m.StdoutLogFile),
		DisableStartUpErrorPage: over.DisableStartUpErrorPage.Or(m.DisableStartUpErrorPage),
		ForwardWindowsAuthToken: over.ForwardWindowsAuthToken.Or(m.ForwardWindowsAuthToken),
		EnvironmentVariables:    overlayVariables(m.EnvironmentVariables, over.EnvironmentVariables),
		HandlerSettings:         overlayVariables(m.HandlerSettings, over.HandlerSettings),
		MaxAllowedContentLength: over.MaxAllowedContentLength.Or(m.MaxAllowedContentLength),
		ApplicationPath:         over.ApplicationPath.Or(m.ApplicationPath),
		Preload:                 over.Preload.Or(m.Preload),
		Protocols:               over.Protocols.Or(m.Protocols),
		DetailedErrors:          over.DetailedErrors.Or(m.DetailedErrors),
		WebConfig:               over.WebConfig.Or(m.WebConfig),
	}
	if !over.Place.IsZero() {
		out.Place = over.Place
	}
	return out
}

func overlayVariables(vars, over []Variable) []Variable {
	out := slices.Clone(vars)
	for _, v := range over {
		i := slices.IndexFunc(out, func(o Variable) bool { return o.Name == v.Name })
		if i < 0 {
			out = append(out, v)
			continue
		}
		out[i] = v
	}
	return out
}

func overlayIIS(iis, over IIS) IIS {
	site := func(s, over IISSite) IISSite {
		return IISSite{
			ApplicationURL: over.ApplicationURL.Or(s.ApplicationURL),
			SSLPort:        over.SSLPort.Or(s.SSLPort),
		}
	}
	return IIS{
		WindowsAuthentication:   over.WindowsAuthentication.Or(iis.WindowsAuthentication),
		AnonymousAuthentication: over.AnonymousAuthentication.Or(iis.AnonymousAuthentication),
		Express:                 site(iis.Express, over.Express),
		Site:                    site(iis.Site, over.Site),
		Diagnostics:             slices.Concat(iis.Diagnostics, over.Diagnostics),
	}
}
