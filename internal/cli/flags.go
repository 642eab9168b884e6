package cli

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// commonFlags are those of every verb.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "verbosity", Aliases: []string{"v"}, Value: "minimal", Usage: "`LEVEL` how much gorun tells: quiet, minimal, normal, detailed or diagnostic (q, m, n, d, diag)"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours, as with NO_COLOR set"},
	}
}

// placeFlags say where to look.
func placeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "launch-settings", Usage: "`FILE` the settings to read; without it the nearest ones"},
		&cli.StringFlag{Name: "project", Usage: "`PATH` where the program is: a folder or a .go file"},
	}
}

// eventsFlag is that of the verbs that do something.
func eventsFlag() cli.Flag {
	return &cli.StringFlag{Name: "events", Usage: "`FILE` write what happens there as JSON lines; also fd:N or unix:PATH"}
}

// launchFlags are those of the verbs that look at one profile.
func launchFlags() []cli.Flag {
	return append(placeFlags(),
		&cli.StringFlag{Name: "launch-profile", Aliases: []string{"lp"}, Usage: "`NAME` which profile applies; without it the first that can run"},
		&cli.BoolFlag{Name: "no-launch-profile", Usage: "run without a profile"},
		&cli.StringFlag{Name: "configuration", Aliases: []string{"c"}, Usage: "`NAME` Debug or Release; without it what the profile says, or Debug"},
		&cli.GenericFlag{Name: "environment", Aliases: []string{"e"}, Value: &Variables{}, Usage: "`NAME=VALUE` set a variable for the program; may be repeated"},
		&cli.StringFlag{Name: "urls", Usage: "`URLS` where the program listens; semicolons separate several"},
		&cli.BoolFlag{Name: "no-browser", Usage: "do not open the browser, whatever the profile says"},
		&cli.BoolFlag{Name: "lenient", Usage: "where a profile cannot be applied run without one, as dotnet run does"},
	)
}

// jsonFlag is that of the verbs that list.
func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "JSON instead of text"} }

// secretsFlag shows what comes from .env files.
func secretsFlag() cli.Flag {
	return &cli.BoolFlag{Name: "show-secrets", Usage: "show the values from .env files"}
}

// request is what the flags ask for.
func request(c *cli.Context, inv *Invocation) (profiles.Request, error) {
	r := profiles.Request{
		Profile:   c.String("launch-profile"),
		NoProfile: c.Bool("no-launch-profile"),
		Lenient:   c.Bool("lenient"),
		URLs:      c.String("urls"),
		NoBrowser: c.Bool("no-browser"),
		Args:      inv.Args,
		ArgsGiven: inv.ArgsGiven,
	}
	if r.NoProfile && r.Profile != "" {
		return r, usage("--launch-profile and --no-launch-profile exclude each other", "give one of them")
	}
	for _, v := range *c.Generic("environment").(*Variables) {
		r.Variables = append(r.Variables, profiles.Variable(v))
	}
	if err := checkURLs(r.URLs); err != nil {
		return r, err
	}
	configuration, err := configuration(c.String("configuration"))
	r.Configuration = configuration
	return r, err
}

// checkURLs refuses a --urls that no server can listen on. What stands in a file is passed on all the same, as dotnet
// run does; what was just typed is better typed again.
func checkURLs(urls string) error {
	_, err := endpoint.ParseList(urls)
	wrong, ok := errors.AsType[*endpoint.ParseError](err) // the first of them
	if !ok {
		return err
	}
	hint := wrong.Advice
	if hint == "" {
		hint = "an address looks like http://localhost:5000; a semicolon separates several"
	}
	return usage("--urls: "+wrong.Error(), hint)
}

// configuration is the name as it is written in the file.
func configuration(name string) (string, error) {
	switch {
	case name == "":
		return "", nil
	case strings.EqualFold(name, "Debug"):
		return "Debug", nil
	case strings.EqualFold(name, "Release"):
		return "Release", nil
	}
	return "", usage("there is no configuration \""+name+"\"", "-c wants Debug or Release")
}

// place is where the command line looks for the program and its settings.
func place(c *cli.Context, inv *Invocation) where {
	return where{project: c.String("project"), target: inv.Target, settings: c.String("launch-settings")}
}
