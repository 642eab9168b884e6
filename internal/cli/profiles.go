package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/profiles"
)

// profilesCommand lists the profiles of the nearest settings file.
func (w *world) profilesCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "profiles",
		Usage:     "list the profiles and what is wrong with them",
		ArgsUsage: "[PATH]",
		Flags:     append(placeFlags(), jsonFlag()),
		Action:    func(c *cli.Context) error { return w.listProfiles(c, inv) },
	}
}

// profileRow is a profile in the list. Its JSON is part of gorun's interface: docs/json.md.
type profileRow struct {
	Name          string                  `json:"name"`
	Command       string                  `json:"command"`
	Server        string                  `json:"server,omitempty"`
	URLs          []string                `json:"urls"`
	Program       string                  `json:"program,omitempty"` // executablePath, as written
	Package       string                  `json:"package,omitempty"` // absolute
	Configuration string                  `json:"configuration,omitempty"`
	Default       bool                    `json:"default"`
	Runnable      bool                    `json:"runnable"` // whether "gorun -lp NAME" would start it
	Place         diagnostic.Place        `json:"place"`
	Diagnostics   []diagnostic.Diagnostic `json:"diagnostics"`
}

// profileList is the whole answer.
type profileList struct {
	Settings    string                  `json:"settings"` // absolute; "" without a settings file
	Personal    string                  `json:"personal,omitempty"`
	Project     string                  `json:"project"`
	Profiles    []profileRow            `json:"profiles"`
	Diagnostics []diagnostic.Diagnostic `json:"diagnostics"` // of the file as a whole
}

func (w *world) listProfiles(c *cli.Context, inv *Invocation) error {
	at := place(c, inv)
	target, targetErr := w.find(at, nil)
	if err := wrongPlace(targetErr); err != nil {
		return err
	}
	settings, project, warnings := w.settings(at, target, targetErr)
	list := w.describe(settings, project, targetErr)
	list.Diagnostics = nonNil(append(warnings, list.Diagnostics...))
	if c.Bool("json") {
		return w.ui.JSON(list)
	}
	if settings.Path == "" {
		w.ui.Say("there is no settings file here; \"gorun init\" writes one, and gorun runs without")
		return nil
	}
	if len(list.Profiles) > 0 {
		header := []string{"NAME", "COMMAND", "SERVER", "URLS", "CONFIGURATION", "WHERE"}
		if err := w.ui.Table(header, mapped(list.Profiles, w.profileCells)); err != nil {
			return err
		}
	}
	all := list.Diagnostics
	for _, p := range list.Profiles {
		all = append(all, p.Diagnostics...)
	}
	sortBy(all, func(d diagnostic.Diagnostic) int { return d.Place.Start.Offset })
	w.tellAll(all)
	if broken := settings.Diagnostics.Errors(); len(broken) > 0 {
		return exitStatus(exitFailed)
	}
	return nil
}

func (w *world) profileCells(p profileRow) []string {
	urls := strings.Join(p.URLs, " ")
	if urls == "" {
		urls = p.Program
	}
	where := fmt.Sprintf("%s:%d", w.ui.Path(p.Place.File), p.Place.Start.Line)
	if p.Default {
		where += " (default)"
	}
	return []string{p.Name, orDash(p.Command), orDash(p.Server), orDash(urls), orDash(p.Configuration), where}
}

// describe says of each profile what a run of it would decide; targetErr is that of the search for a program.
func (w *world) describe(settings launchsettings.Settings, project string, targetErr error) profileList {
	list := profileList{
		Settings: settings.Path, Personal: settings.Personal, Project: project,
		Profiles: []profileRow{}, Diagnostics: nonNil(settings.Diagnostics),
	}
	request := w.inWorld(profiles.Request{Project: project, NoGoProgram: noGoProgram(targetErr)})
	standard, _ := profiles.Select(settings, request) // an error concerns the profile, which says it itself
	for _, p := range settings.Profiles {
		list.Profiles = append(list.Profiles, w.describeOne(settings, p, request, standard.Profile))
	}
	return list
}

func (w *world) describeOne(settings launchsettings.Settings, p launchsettings.Profile, request profiles.Request, standard launchsettings.Profile) profileRow {
	row := profileRow{
		Name: p.Name, Command: p.CommandName.V, Place: p.Place, URLs: []string{}, Program: p.ExecutablePath.V,
		Default: standard.Object && standard.Place == p.Place, Diagnostics: nonNil(p.Diagnostics),
	}
	// Selection by name says what is wrong with this one, also where the name alone is the trouble.
	request.Profile = p.Name
	choice, err := profiles.Select(settings, request)
	if err != nil {
		if carrier, ok := err.(interface {
			Diagnostics() []diagnostic.Diagnostic
		}); ok {
			row.Diagnostics = append(nonNil(p.Diagnostics.Warnings()), carrier.Diagnostics()...)
		}
		return row
	}
	request.WebConfig = w.webConfig(choice, request)
	plan, warnings, err := choice.Resolve(request, profiles.Facts{})
	// The warnings of the file as a whole stand there.
	row.Diagnostics = nonNil(slices.DeleteFunc(slices.Clone(warnings), func(d diagnostic.Diagnostic) bool {
		return slices.Contains(settings.Diagnostics, d)
	}))
	if broken, ok := errors.AsType[*profiles.ProfileError](err); ok {
		row.Diagnostics = append(row.Diagnostics, broken.Problems...)
	}
	if err != nil {
		return row
	}
	row.Runnable = true
	row.Configuration = plan.Build.Configuration.Value
	row.Package = plan.Build.Package.Value
	if p.CommandName.V != launchsettings.CommandExecutable || plan.Fronted() || plan.SharesPorts() {
		row.Server = plan.Server.Value
	}
	for _, e := range plan.Endpoints {
		row.URLs = append(row.URLs, e.URL)
	}
	return row
}

// wrongPlace is the error of a search that never began, because what the command line names is not there. That
// there is no program, or more than one, does not matter to those who only look at settings.
func wrongPlace(err error) error {
	if missing, ok := errors.AsType[*gobuild.NoPathError](err); ok {
		return missing
	}
	if usage, ok := errors.AsType[*UsageError](err); ok {
		return usage
	}
	return nil
}

// tellAll tells of diagnostics that do not stop anything.
func (w *world) tellAll(list []diagnostic.Diagnostic) {
	for _, d := range list {
		w.ui.Diagnostic(withSource(d))
	}
}
