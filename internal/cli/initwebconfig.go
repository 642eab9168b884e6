package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/launchsettings/webconfig"
	"github.com/gorun-dev/gorun/profiles"
)

// webConfigExistsError is a folder that has a web.config already.
type webConfigExistsError struct{ path string }

func (e *webConfigExistsError) Error() string {
	return e.path + " is there already, and is left as it is"
}

// Hint says how to see what gorun reads in it.
func (e *webConfigExistsError) Hint() string {
	return `"gorun plan --launch-profile NAME" shows what gorun reads in it; name another folder, or move it away`
}

// initWebConfig writes a web.config into the folder that is named, else into the project folder.
func (w *world) initWebConfig(c *cli.Context, inv *Invocation) error {
	at := where{target: inv.Target, settings: c.String("launch-settings")}
	folder := w.folder(at)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return usage("there is no folder "+w.ui.Path(folder), "gorun init wants a folder, or none for this one")
	}
	target, err := w.find(at, nil)
	if several, ok := errors.AsType[*gobuild.SeveralProgramsError](err); ok {
		return &initSeveralError{several, []string{"gorun", "init", "--web-config"}}
	}
	options, project, profileErr := w.webConfigOptions(c.String("launch-profile"), at, target, err)
	if profileErr != nil {
		return profileErr
	}
	if len(at.target) == 0 && project != "" {
		folder = project
	}
	options.Program = target.Name
	if err != nil { // of the search for a program: there is none yet
		options.Program = filepath.Base(folder)
	}
	data, writeErr := webconfig.Write(options)
	if writeErr != nil {
		return writeErr
	}
	path := filepath.Join(folder, "web.config")
	if err := writeNew(path, data); err != nil {
		if _, exists := errors.AsType[*settingsExistError](err); exists {
			return &webConfigExistsError{w.ui.Path(path)}
		}
		return err
	}
	w.tellWebConfig(path, options)
	return nil
}

// webConfigOptions are those of a profile, with its variables as they are written; without one there are none.
func (w *world) webConfigOptions(profile string, at where, target gobuild.Target, targetErr error) (webconfig.Options, string, error) {
	settings, project, _ := w.settings(at, target, targetErr)
	if profile == "" {
		return webconfig.Options{}, project, nil
	}
	choice, err := profiles.Select(settings, w.inWorld(profiles.Request{Profile: profile, Project: project}))
	if err != nil {
		return webconfig.Options{}, "", w.localise(err, at, target)
	}
	options := webconfig.Options{Profile: choice.Profile.Name}
	options.Variables = mapped(choice.Profile.EnvironmentVariables, func(v launchsettings.Variable) webconfig.Variable {
		return webconfig.Variable{Name: v.Name, Value: v.Value.V}
	})
	return options, project, nil
}

func (w *world) tellWebConfig(path string, o webconfig.Options) {
	with := ""
	if o.Profile != "" {
		with = fmt.Sprintf(", with %s of the profile %s", count(len(o.Variables), "variable", "variables"), o.Profile)
	}
	w.ui.Say("wrote %s, for IIS to start %s.exe out-of-process%s", w.ui.Path(path), o.Program, with)
	w.ui.Say(`gorun reads it too, for profiles with a module in front; "gorun plan" shows what it says`)
}
