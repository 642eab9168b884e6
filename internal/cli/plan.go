package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/host"
	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/profiles"
)

// planCommand shows everything that a run would do, and starts nothing.
func (w *world) planCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a run would do, and where each value comes from",
		ArgsUsage: "[PATH] [ARGUMENTS]",
		Description: `Of the settings of a module in front those are shown that a file, a flag or a variable decides; with -v normal
all of them.`,
		Flags: append(launchFlags(), secretsFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "show-config", Usage: "print the configuration that nginx or Apache would get"}),
		Action: func(c *cli.Context) error {
			l, err := w.launch(c, inv)
			if err != nil {
				return err
			}
			if c.Bool("show-config") {
				return w.showConfig(c.Context, l.plan)
			}
			if !c.Bool("show-secrets") {
				l.plan = l.plan.Masked()
			}
			view, err := w.planView(c.Context, l)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return w.ui.JSON(view)
			}
			verbosity, err := ui.ParseVerbosity(c.String("verbosity"))
			if err != nil {
				return err
			}
			return w.ui.Table(nil, w.planRows(view, verbosity > ui.Minimal))
		},
	}
}

// showConfig prints what nginx or Apache would be told. Certificates and the program's port are the run's to choose.
func (w *world) showConfig(ctx context.Context, plan profiles.Plan) error {
	config, err := host.ProxyConfig(ctx, plan, w.environ)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(w.stdout, config.Text())
	return err
}

// planView is a plan with what becomes of its build. Its JSON is part of gorun's interface: docs/json.md.
type planView struct {
	profiles.Plan
	Target     *gobuild.Target `json:"target,omitempty"`
	BuildFlags []string        `json:"buildFlags,omitempty"` // all that go build is given
	Binary     string          `json:"binary,omitempty"`
	Needed     []string        `json:"buildNeeded,omitempty"` // why it would be built again
	Shim       string          `json:"goShim,omitempty"`      // the go command of a version manager
}

func (w *world) planView(ctx context.Context, l launch) (planView, error) {
	view := planView{Plan: l.plan}
	if !l.plan.Builds() {
		return view, nil
	}
	cache, err := w.cacheDir()
	if err != nil {
		return view, err
	}
	options := host.BuildOptions(l.plan, w.environ, w.dir)
	view.Target = &l.target
	view.BuildFlags = gobuild.Flags(l.target, options)
	view.Binary = gobuild.Output(cache, l.target, options)
	reasons, err := gobuild.Why(ctx, l.target, options, view.Binary)
	if len(reasons) > 0 && !gobuild.CanWrite(cache) { // as a run would
		view.Binary = gobuild.Output(spareDir(), l.target, options)
		reasons, err = gobuild.Why(ctx, l.target, options, view.Binary)
	}
	view.Needed = mapped(reasons, w.reason)
	if err != nil { // such as no go command: a run will say more
		view.Needed = []string{"that cannot be told: " + err.Error()}
	}
	view.Shim = gobuild.Shim(w.environ)
	return view, nil
}

// reason is one reason for a build, with paths as the user would type them.
func (w *world) reason(r gobuild.Reason) string {
	if r.File {
		r.What = w.ui.Path(r.What)
	}
	return r.String()
}

// neededLimit is how many reasons are worth being read.
const neededLimit = 3

// needed is why a build is needed, as one line for people.
func needed(reasons []string) string {
	if len(reasons) == 0 {
		return "not needed: nothing has changed since the last one"
	}
	more := ""
	if n := len(reasons) - neededLimit; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
		reasons = reasons[:neededLimit]
	}
	return "needed: " + strings.Join(reasons, ", ") + more
}

// planRows are the lines of the plan: what, value, origin. Of the module's settings those that something decides are
// shown, or all of them.
func (w *world) planRows(v planView, all bool) [][]string {
	rows := planLines{w: w}
	if v.Applied {
		rows.add("profile", v.Profile.Value, v.Profile.Origin)
	}
	if v.Target != nil {
		rows.add("program", w.targetName(*v.Target), v.Build.Package.Origin)
		rows.add("build", v.Build.Configuration.Value+": "+ui.ShellQuote(v.BuildFlags), v.Build.Configuration.Origin)
		rows.rows = append(rows.rows, []string{"", needed(v.Needed), ""})
		if v.Shim != "" {
			rows.rows = append(rows.rows, []string{"", "each start asks " + v.Shim + ", of a version manager, for the toolchain", ""})
		}
		if flags := v.Build.Flags; len(flags.Value) > 0 {
			rows.add("build flags", ui.ShellQuote(flags.Value), flags.Origin)
		}
		if flags := w.getenv("GOFLAGS"); flags != "" {
			rows.add("build flags", flags, profiles.Origin{Kind: profiles.FromEnvironment, Name: "GOFLAGS"})
		}
		rows.add("binary", v.Binary, profiles.Origin{Kind: profiles.FromDefault})
	} else {
		rows.add("program", w.ui.Path(v.Program.Value), v.Program.Origin)
	}
	rows.add("directory", w.ui.Path(v.Dir.Value), v.Dir.Origin)
	rows.add("arguments", ui.ShellQuote(v.Args.Value), v.Args.Origin)
	for _, e := range shown(v.Env) {
		rows.add("environment", e.Name+"="+e.Value, e.Origin)
	}
	for _, e := range v.Endpoints {
		rows.add("listens on", e.Endpoint.String(), e.Origin)
	}
	rows.add("server", v.Server.Value, v.Server.Origin)
	if v.Hosting.Value != "" {
		rows.add("hosting", v.Hosting.Value, v.Hosting.Origin)
	}
	if v.Module.Root != "" {
		rows.addModule(v.Module, all)
	}
	rows.addBrowser(v.Browser)
	rows.addStop(v.Stop)
	return rows.rows
}

// planLines collects rows; one that continues the row above has no name of its own.
type planLines struct {
	w    *world
	rows [][]string
	last string
}

func (l *planLines) add(name, value string, from profiles.Origin) {
	first := name
	if name == l.last {
		first = ""
	}
	l.last = name
	if value == "" {
		value = "-"
	}
	origin := from.String()
	if !from.Place.IsZero() {
		at := from.Place
		at.File = l.w.ui.Path(at.File)
		origin = from.Name + ", " + at.String()
	}
	l.rows = append(l.rows, []string{first, value, origin})
}

func (l *planLines) addBrowser(b profiles.Browser) {
	switch {
	case b.Open.Value && b.URL == "":
		l.add("browser", "the address that it listens on", b.Open.Origin)
	case b.Open.Value:
		l.add("browser", b.URL, b.Open.Origin)
	case b.Open.Origin.Kind != profiles.FromDefault:
		l.add("browser", "is not opened", b.Open.Origin)
	}
}

func (l *planLines) addStop(s profiles.Stop) {
	if s.Signal.Value != "" {
		l.add("stop", "with "+s.Signal.Value, s.Signal.Origin)
	}
	if s.Timeout.Value != 0 {
		l.add("stop", "within "+s.Timeout.Value.String(), s.Timeout.Origin)
	}
}

// shown are the variables that were not inherited, sorted by name.
func shown(env []profiles.EnvVar) []profiles.EnvVar {
	var out []profiles.EnvVar
	for _, v := range env {
		if v.Origin.Kind != profiles.FromEnvironment {
			out = append(out, v)
		}
	}
	sortBy(out, func(v profiles.EnvVar) string { return v.Name })
	return out
}

// targetName is how the user would name a program on the command line.
func (w *world) targetName(t gobuild.Target) string {
	if len(t.Files) > 0 {
		return ui.ShellQuote(mapped(t.Files, w.ui.Path))
	}
	rel := w.ui.Path(t.Dir)
	if rel == "." || strings.HasPrefix(rel, "..") || filepath.IsAbs(rel) {
		return rel
	}
	return "." + string(filepath.Separator) + rel
}
