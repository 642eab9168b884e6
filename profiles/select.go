package profiles

import (
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// Choice is the profile that was chosen, or that none is applied.
type Choice struct {
	Settings launchsettings.Settings
	Profile  launchsettings.Profile // zero unless Applied
	Applied  bool
	Warnings diagnostic.List // what the user should hear about the choice and the profile
}

// Select chooses the profile that request asks for. The zero Settings mean that there is no file.
//
// Default selection takes the first profile whose commandName is Project or Executable; none is a warning. A named
// profile is found without regard to case. What cannot be applied is one of the errors of this package, in which the
// whole of what is wrong with the profile is said at once; with request.Lenient it is a warning and no profile is
// applied.
func Select(settings launchsettings.Settings, request Request) (Choice, error) {
	none := Choice{Settings: settings}
	if request.NoProfile || settings.Path == "" && request.Profile == "" {
		return none, nil
	}
	choice, err := choose(settings, request)
	if err != nil && request.Lenient {
		none.Warnings = lenientWarnings(err)
		return none, nil
	}
	return choice, err
}

func choose(settings launchsettings.Settings, request Request) (Choice, error) {
	none := Choice{Settings: settings}
	if settings.Path == "" {
		return none, &NoSettingsError{Profile: request.Profile}
	}
	if broken := settings.Diagnostics.Errors(); len(broken) > 0 {
		return none, &SettingsError{Path: broken[0].Place.File, Problems: broken}
	}
	profile, ok, err := pick(settings, request.Profile)
	if err != nil {
		return none, err
	}
	if !ok {
		none.Warnings = append(settings.Diagnostics.Warnings(), noUsable(settings))
		return none, nil
	}
	profile.Diagnostics = slices.Concat(profile.Diagnostics, incomplete(profile))
	if c := profile.CommandName.V; c == launchsettings.CommandIISExpress || c == launchsettings.CommandIIS {
		profile.Diagnostics = slices.Concat(profile.Diagnostics, settings.IIS.Diagnostics)
	}
	if broken := profile.Diagnostics.Errors(); len(broken) > 0 {
		return none, &ProfileError{Profile: profile.Name, Problems: broken}
	}
	warnings := slices.Concat(settings.Diagnostics.Warnings(), profile.Diagnostics.Warnings())
	return Choice{Settings: settings, Profile: profile, Applied: true, Warnings: warnings}, nil
}

// pick finds the profile of a name, or, for "", the default one, if there is one.
func pick(settings launchsettings.Settings, name string) (launchsettings.Profile, bool, error) {
	if name == "" {
		for _, p := range settings.Profiles {
			if p.Runnable() {
				return p, true, nil
			}
		}
		return launchsettings.Profile{}, false, nil
	}
	named := settings.Named(name)
	switch {
	case len(named) == 0:
		return launchsettings.Profile{}, false, &UnknownProfileError{Name: name, Path: settings.Path, Known: settings.Names()}
	case len(named) > 1:
		return launchsettings.Profile{}, false, &AmbiguousProfileError{Name: name, Profiles: named}
	}
	return named[0], true, nil
}

// incomplete says what a profile lacks to be run, and whether its command is one that gorun can run.
func incomplete(p launchsettings.Profile) diagnostic.List {
	lacks := func(code, message, suggestion string) diagnostic.List {
		return diagnostic.List{{Code: code, Severity: diagnostic.Error, Message: message, Suggestion: suggestion, Place: p.Place}}
	}
	if !p.Object {
		return nil // which was said when it was parsed
	}
	if !p.CommandName.Set && !p.CommandName.Place.IsZero() {
		d := lacks("wrong-type", `"commandName" wants a string`, `write "Project" to build and run the Go program`)
		d[0].Place = p.CommandName.Place
		return d
	}
	if !p.CommandName.Set {
		return lacks("no-command", `there is no "commandName" in this profile`, `add "commandName": "Project" to build and run the Go program`)
	}
	switch p.CommandName.V {
	case launchsettings.CommandProject, launchsettings.CommandIISExpress, launchsettings.CommandIIS:
		return nil
	case launchsettings.CommandExecutable:
		switch {
		case hasProblemWith(p, "executablePath"):
		case !p.ExecutablePath.Set:
			return lacks("no-executable", `an Executable profile needs "executablePath"`, `add "executablePath": the program to start`)
		case p.ExecutablePath.V == "":
			d := lacks("no-executable", `"executablePath" is empty`, "write the program to start")
			d[0].Place = p.ExecutablePath.Place
			return d
		}
		return nil
	}
	d := lacks("unsupported-command", fmt.Sprintf("gorun cannot run the command %q", p.CommandName.V), unsupportedHint(p.CommandName.V))
	d[0].Place = p.CommandName.Place
	return d
}
