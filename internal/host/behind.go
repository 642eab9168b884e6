package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/module"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/module/debuglog"
	"github.com/gorun-dev/gorun/servers/module/page"
)

// behind is the program behind the front, as the plan has it now. One goroutine at a time uses it: the front's.
type behind struct {
	*host
	plan    profiles.Plan
	built   string    // by whom gorun was started; "" looks for it at the next start
	written time.Time // web.config, as it was last read
	log     *debuglog.Log
}

// app is the plan as the front takes it.
func (b *behind) app() module.App {
	m, plan := b.plan.Module, b.plan
	b.written = modified(b.webConfig())
	b.setLog(b.innerLog())
	app := module.App{
		Hosting: module.Hosting(plan.Hosting.Value), Path: m.ApplicationPath.Value,
		RequestTimeout: m.RequestTimeout.Value, NoErrorPage: m.DisableStartUpErrorPage.Value, Detailed: m.DetailedErrors.Value,
		ForwardConnection: isTrue(m.HandlerSetting("forwardResponseConnectionHeader")),
		Shown:             shown(plan), Secrets: secrets(plan), Changed: b.changed(),
		Backend: backend.Options{
			Command: b.command(), Start: b.host.Start,
			Processes: m.ProcessesPerApplication.Value, RapidFailsPerMinute: m.RapidFailsPerMinute.Value,
			StartupTimeLimit: m.StartupTimeLimit.Value, ShutdownTimeLimit: m.ShutdownTimeLimit.Value,
			Stdout: b.Stdout, Stderr: b.Stderr,
			Log:        backend.StdoutLog{Enabled: m.StdoutLogEnabled.Value, File: m.StdoutLogFile.Value},
			StopSignal: stopSignals[plan.Stop.Signal.Value],
		},
		Pairing: backend.OutOfProcessOptions{Anonymous: true, HostingStartup: isOwn(plan, "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES")},
	}
	app.Backend.NoOutput = app.Hosting == module.OutOfProcess && strings.EqualFold(m.HandlerSetting("enableOutOfProcessConsoleRedirection"), "false")
	if app.Hosting == module.InProcess {
		app.Backend.KeepSlow = isTrue(m.HandlerSetting("suppressRecycleOnStartupTimeout"))
		app.Detailed = app.Detailed && !strings.EqualFold(m.HandlerSetting("callStartupHook"), "false")
	}
	app.ErrorLink = variable(plan, "ANCM_ADDITIONAL_ERROR_PAGE_LINK")
	return app
}

// outerLog is how gorun's own environment wants the module to log about itself (reference: servers.md, 1.2).
func (b *behind) outerLog() debuglog.Settings {
	getenv := lookup(b.GoEnv)
	return debuglog.Settings{Level: getenv("ASPNETCORE_MODULE_DEBUG"), File: getenv("ASPNETCORE_MODULE_DEBUG_FILE")}
}

// innerLog is how the settings want it, over the environment.
func (b *behind) innerLog() debuglog.Settings {
	m := b.plan.Module
	return debuglog.Settings{Level: m.HandlerSetting("debugLevel"), File: m.HandlerSetting("debugFile")}.Over(b.outerLog())
}

func (b *behind) setLog(s debuglog.Settings) {
	err := b.log.Set(s)
	if err == nil {
		return
	}
	d := diagnostic.Diagnostic{Code: "debug-log", Message: err.Error()}
	if hinting, ok := err.(interface{ Hint() string }); ok {
		d.Suggestion = hinting.Hint()
	}
	b.warn(d)
}

// command gives what is started. The first process is the one that was built when gorun began; from then on the program is
// built again where it has changed.
func (b *behind) command() func(context.Context) (process.Spec, error) {
	plan, again := b.plan, *b.host
	again.plan, again.Signals = plan, nil
	built := b.built
	b.built = ""
	var taken atomic.Bool // several processes may start at once
	return func(ctx context.Context) (process.Spec, error) {
		path := built
		if path == "" || taken.Swap(true) {
			var err error
			if path, err = again.binary(ctx); err != nil {
				return process.Spec{}, withBuildText(err)
			}
		}
		return process.Spec{Path: path, Args: plan.Args.Value, Env: plan.Environ(), Dir: plan.Dir.Value}, nil
	}
}

// notBuilt is a *gobuild.BuildError with what the compiler says in its text: an error page and the reason of a start that failed
// have nothing but the text.
type notBuilt struct{ *gobuild.BuildError }

func (e notBuilt) Error() string { return e.BuildError.Error() + "\n" + strings.TrimSpace(e.Text) }
func (e notBuilt) Unwrap() error { return e.BuildError }

func withBuildText(err error) error {
	if e, ok := errors.AsType[*gobuild.BuildError](err); ok {
		return notBuilt{e}
	}
	return err
}

// changed gives a function that reports whether the program would be built anew.
func (b *behind) changed() func() bool {
	if !b.plan.Builds() || b.NoBuild {
		return nil
	}
	options := BuildOptions(b.plan, b.GoEnv, b.From)
	out := gobuild.Output(b.CacheDir, b.Target, options)
	return func() bool {
		reasons, err := gobuild.Why(context.Background(), b.Target, options, out)
		return err == nil && len(reasons) > 0
	}
}

// reload makes the plan anew. What the front cannot change while it runs is told.
func (b *behind) reload() (module.App, error) {
	plan, err := b.Replan()
	if err != nil {
		return module.App{}, withoutStart{err}
	}
	if plan.Server.Value != b.plan.Server.Value {
		return module.App{}, errors.New("the profile has another server now: start gorun again")
	}
	b.warnOfFixed(plan)
	if isSame(plan, b.plan) && modified(b.webConfig()).Equal(b.written) {
		return module.App{}, module.ErrUnchanged
	}
	b.plan = plan
	return b.app(), nil
}

// warnOfFixed tells of what the front itself goes on with until it ends.
func (b *behind) warnOfFixed(plan profiles.Plan) {
	old, now := b.plan.Module, plan.Module
	for _, fixed := range []struct {
		changed                  bool
		code, goesOn, startAgain string
	}{
		{now.ClientCertificateMode.Value != old.ClientCertificateMode.Value, "client-certificates", "to ask clients for certificates as it does", "do as the settings say now"},
		{!slices.EqualFunc(plan.Endpoints, b.plan.Endpoints, func(x, y profiles.Endpoint) bool { return x.Endpoint == y.Endpoint }),
			"addresses", "with the addresses that it has", "listen on the new ones"},
		{now.Protocols.Value != old.Protocols.Value, "protocols", "to speak " + old.Protocols.Value, "speak " + now.Protocols.Value},
		{now.MaxAllowedContentLength.Value != old.MaxAllowedContentLength.Value, "body-size",
			fmt.Sprintf("with %d bytes as the largest body of a request", old.MaxAllowedContentLength.Value),
			fmt.Sprintf("have the maxAllowedContentLength of now, %d", now.MaxAllowedContentLength.Value)},
		{now.Preload.Value != old.Preload.Value, "preload", fmt.Sprintf("with preload as %v", old.Preload.Value), "do as the settings say now"},
	} {
		if fixed.changed {
			b.warn(diagnostic.Diagnostic{Code: fixed.code, Message: "the front goes on " + fixed.goesOn, Suggestion: "start gorun again to have it " + fixed.startAgain})
		}
	}
}

// withoutStart is an error of a plan in whose text nothing is said of a start: something runs.
type withoutStart struct{ error }

func (e withoutStart) Error() string {
	return strings.TrimSuffix(e.error.Error(), ", nothing was started")
}
func (e withoutStart) Unwrap() error { return e.error }

// webConfig is the file that was read, or the one that would be if it were there.
func (b *behind) webConfig() string {
	if path := b.plan.Module.WebConfig.Value; path != "" {
		return path
	}
	return filepath.Join(b.plan.Module.Root, "web.config")
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// isSame reports whether two plans decide the same, wherever in the file it stands.
func isSame(a, b profiles.Plan) bool { return reflect.DeepEqual(withoutPlaces(a), withoutPlaces(b)) }

func withoutPlaces(plan profiles.Plan) any {
	text, _ := json.Marshal(plan) // strings and numbers
	var value any
	_ = json.Unmarshal(text, &value)
	return strip(value)
}

func strip(value any) any {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "origin")
		delete(value, "place")
		for key, v := range value {
			value[key] = strip(v)
		}
	case []any:
		for i, v := range value {
			value[i] = strip(v)
		}
	}
	return value
}

// shown are the settings that error pages name.
func shown(plan profiles.Plan) map[string]module.Shown {
	m := plan.Module
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	list := map[string]module.Shown{
		"startupTimeLimit":    {Value: seconds(m.StartupTimeLimit.Value) + " s", Place: m.StartupTimeLimit.Origin.String()},
		"requestTimeout":      {Value: m.RequestTimeout.Value.String(), Place: m.RequestTimeout.Origin.String()},
		"rapidFailsPerMinute": {Value: strconv.Itoa(m.RapidFailsPerMinute.Value), Place: m.RapidFailsPerMinute.Origin.String()},
	}
	if !plan.Builds() {
		list["processPath"] = module.Shown{Value: plan.Program.Value, Place: plan.Program.Origin.String()}
	}
	for _, v := range plan.Env {
		if v.Name == "ASPNETCORE_PORT" {
			list[v.Name] = module.Shown{Place: v.Origin.String()}
		}
	}
	return list
}

// plainVariables have values that are no secret and that a page would be hard to read without.
var plainVariables = []string{
	"ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "ASPNETCORE_DETAILEDERRORS", "ASPNETCORE_URLS", "GORUN_SERVER", "DOTNET_LAUNCH_PROFILE",
	"PATH", "HOME", "PWD", "OLDPWD", "SHELL", "SHLVL", "TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "HOSTNAME",
	"TMPDIR", "EDITOR", "PAGER", "_", "PORT",
}

// secrets are the values that no page may show. A value of one character says nothing by itself, and hiding it would make
// 127.***.***.1 of an address.
func secrets(plan profiles.Plan) []string {
	var list []string
	for _, v := range plan.Env {
		if len(v.Value) > 1 && !slices.Contains(plainVariables, v.Name) && !strings.HasPrefix(v.Name, "LC_") && !strings.HasPrefix(v.Name, "XDG_") {
			list = append(list, v.Name+"="+v.Value)
		}
	}
	return page.Values(list)
}

// variable is the value of a variable of the program, "" where it is not set.
func variable(plan profiles.Plan, name string) string {
	for _, v := range plan.Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// isOwn reports whether somebody has set a variable for this program, and it was not just inherited.
func isOwn(plan profiles.Plan, name string) bool {
	return slices.ContainsFunc(plan.Env, func(v profiles.EnvVar) bool { return v.Name == name && v.Origin.Kind != profiles.FromEnvironment })
}

func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }
