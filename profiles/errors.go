package profiles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// nothingStarted ends the message of what --lenient would turn into a warning.
const nothingStarted = ", nothing was started"

// NoSettingsError is a profile that was named where there is no settings file.
type NoSettingsError struct {
	Profile string
	Tried   []string // the places where a file was looked for; the caller knows them
}

func (e *NoSettingsError) Error() string {
	return fmt.Sprintf("there is no profile %q, because there is no settings file", e.Profile)
}

// Details lists where a file was looked for.
func (e *NoSettingsError) Details() []string {
	if len(e.Tried) == 0 {
		return nil
	}
	return append([]string{"looked for:"}, indent(e.Tried)...)
}

// Hint says how to get a file.
func (e *NoSettingsError) Hint() string {
	return `"gorun init" writes one; --launch-settings FILE names one elsewhere`
}

// SettingsError is a settings file in which no profile can be relied on.
type SettingsError struct {
	Path     string // absolute, unless the caller shortened it
	Problems diagnostic.List
}

func (e *SettingsError) Error() string {
	return fmt.Sprintf("%s cannot be used%s", e.Path, nothingStarted)
}

// Diagnostics are the problems of the file.
func (e *SettingsError) Diagnostics() []diagnostic.Diagnostic { return e.Problems }

// ProfileError is a profile with problems. It names all of them, in the order of the file.
type ProfileError struct {
	Profile  string
	Problems diagnostic.List
}

func (e *ProfileError) Error() string {
	count := "a problem"
	if n := len(e.Problems); n > 1 {
		count = fmt.Sprintf("%d problems", n)
	}
	return fmt.Sprintf("profile %q has %s%s", e.Profile, count, nothingStarted)
}

// Diagnostics are the problems of the profile.
func (e *ProfileError) Diagnostics() []diagnostic.Diagnostic { return e.Problems }

// UnknownProfileError is a name that no profile has.
type UnknownProfileError struct {
	Name  string
	Path  string // absolute, unless the caller shortened it
	Known []string
}

func (e *UnknownProfileError) Error() string {
	return fmt.Sprintf("there is no profile %q in %s", e.Name, e.Path)
}

// Details names the profile that may be meant, and all others.
func (e *UnknownProfileError) Details() []string {
	if len(e.Known) == 0 {
		return []string{"the file has no profiles"}
	}
	var lines []string
	if closest := closest.Word(e.Name, e.Known); closest != "" {
		lines = append(lines, fmt.Sprintf("did you mean %q?", closest))
	}
	return append(lines, "profiles: "+strings.Join(e.Known, ", "))
}

// AmbiguousProfileError is a name that several profiles have, when case is ignored.
type AmbiguousProfileError struct {
	Name     string
	Profiles []launchsettings.Profile
}

func (e *AmbiguousProfileError) Error() string {
	return fmt.Sprintf("%d profiles are called %q when case is ignored%s", len(e.Profiles), e.Name, nothingStarted)
}

// Diagnostics shows each of the profiles.
func (e *AmbiguousProfileError) Diagnostics() []diagnostic.Diagnostic {
	list := make([]diagnostic.Diagnostic, len(e.Profiles))
	for i, p := range e.Profiles {
		list[i] = diagnostic.Diagnostic{Code: "ambiguous-profile", Severity: diagnostic.Error, Place: p.Place,
			Message: fmt.Sprintf("the profile %q", p.Name)}
	}
	return list
}

// Hint says what to do.
func (e *AmbiguousProfileError) Hint() string { return "give them names that differ in more than case" }

// lenientWarnings turns the error for which a profile was not applied into warnings.
func lenientWarnings(err error) diagnostic.List {
	why := strings.TrimSuffix(err.Error(), nothingStarted)
	list := diagnostic.List{{Code: "not-applied", Severity: diagnostic.Warning, Message: why + "; the program runs without a profile"}}
	if carrier, ok := err.(interface {
		Diagnostics() []diagnostic.Diagnostic
	}); ok {
		for _, d := range carrier.Diagnostics() {
			d.Severity = diagnostic.Warning
			list = append(list, d)
		}
	}
	return list
}

func noUsable(settings launchsettings.Settings) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: "no-usable-profile", Severity: diagnostic.Warning, Place: diagnostic.Place{File: settings.Path},
		Message:    "no profile here has the command Project or Executable; the program runs without one",
		Suggestion: `add one with "commandName": "Project", or give --no-launch-profile to run without one silently`,
	}
}

func unsupportedHint(command string) string {
	for _, known := range []string{launchsettings.CommandProject, launchsettings.CommandExecutable, launchsettings.CommandIISExpress, launchsettings.CommandIIS} {
		if strings.EqualFold(command, known) {
			return fmt.Sprintf("it is written %q", known)
		}
	}
	return "gorun runs Project, Executable, IISExpress and IIS; choose another profile"
}

// hasProblemWith reports whether a property was there, but of the wrong type.
func hasProblemWith(p launchsettings.Profile, property string) bool {
	return slices.ContainsFunc(p.Diagnostics, func(d diagnostic.Diagnostic) bool {
		return d.Severity == diagnostic.Error && (d.Code == "nul" || strings.HasPrefix(d.Message, `"`+property+`"`))
	})
}

func indent(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "  " + l
	}
	return out
}
