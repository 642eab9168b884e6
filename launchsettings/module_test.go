package launchsettings

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRequestTimeout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"00:02:00": 2 * time.Minute, "0:0:0": 0, "360:00:00": 360 * time.Hour, "15.00:00:00": 360 * time.Hour, "1.23:59:59": 48*time.Hour - time.Second,
	} {
		if got, err := ParseRequestTimeout(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "00:60:00", "00:00:60", "1:2", "1:2:3:4", "-1:00:00", "+1:00:00", "a:b:c", "1.24:00:00", ".1:00:00", "00:00:01.5", "360:00:01", "99999999999:00:00", " 00:02:00"} {
		if got, err := ParseRequestTimeout(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestApplicationPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/": "/", "/sub": "/sub", "/sub/": "/sub", "/a/b": "/a/b", "/π": "/π",
		"": "", "sub": "", "//": "", "/a//b": "", "/../a": "", "/a/.": "", "/a?b": "", "/a#b": "", "/a b": "", `/a\b`: "", "/%2e": "", "/a\x00": "",
	} {
		got, err := checkApplicationPath(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestModuleWarnings(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]string{
		`"handlerSettings":{"debuglevl":"x"}`:                    `the module knows no handler setting "debuglevl"`,
		`"stdoutlogfile":"x"`:                                    `this gorun knows no "stdoutlogfile" in "module"`,
		`"environmentVariables":{"A":"1","A":"2"}`:               `"A" stands here a second time, and this one counts`,
		`"handlerSettings":{"SetCurrentDirectory":"false"}`:      "",
		`"requestTimeout":null,"startupTimeLimit":null`:          "",
		`"processPath":"","webConfig":"","startupTimeLimit":0`:   "",
		`"maxAllowedContentLength":4294967295,"arguments":"a b"`: "",
	} {
		p := one(t, `"commandName":"IISExpress","gorun":{"module":{`+properties+`}}`)
		got := ""
		if len(p.Diagnostics) > 0 {
			got = p.Diagnostics[0].Message
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", properties, got, want)
		}
	}
}

func TestHostingModelCountsWhereTheModuleStands(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]int{
		`"commandName":"Project","ancmHostingModel":"bogus"`:                               0,
		`"commandName":"Project","ancmHostingModel":"bogus","gorun":{"server":"module"}`:   1,
		`"commandName":"IIS","ancmHostingModel":"bogus"`:                                   1,
		`"commandName":"Project","gorun":{"server":"kestrel","module":{"preload":"true"}}`: 1,
	} {
		if got := one(t, properties).Diagnostics.Errors(); len(got) != want {
			t.Errorf("%s: got %v", properties, got)
		}
	}
}

func TestOverlayModule(t *testing.T) {
	t.Parallel()
	parse := func(path, module string) Settings {
		return Parse(path, []byte(`{"profiles":{"A":{"commandName":"IIS","gorun":{"module":{`+module+`}}}}}`))
	}
	shared := parse("a", `"processPath":"a","arguments":"a","hostingModel":"InProcess","startupTimeLimit":1,"shutdownTimeLimit":1,"requestTimeout":"0:0:1","rapidFailsPerMinute":1,"processesPerApplication":1,"stdoutLogEnabled":true,"stdoutLogFile":"a","disableStartUpErrorPage":true,"forwardWindowsAuthToken":true,"environmentVariables":{"A":"a","B":"a"},"handlerSettings":{"debugFile":"a"},"maxAllowedContentLength":1,"applicationPath":"/a","preload":true,"protocols":"Http1","detailedErrors":true,"webConfig":"a"`)
	personal := parse("b", `"startupTimeLimit":2,"environmentVariables":{"B":"b"},"preload":false`)
	got := Overlay(shared, personal).Profiles[0].Gorun.Module
	want := shared.Profiles[0].Gorun.Module
	over := personal.Profiles[0].Gorun.Module
	want.Place, want.StartupTimeLimit, want.Preload = over.Place, over.StartupTimeLimit, over.Preload
	want.EnvironmentVariables = []Variable{want.EnvironmentVariables[0], over.EnvironmentVariables[0]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(shared.Profiles[0].Gorun.Module, Overlay(shared, Settings{}).Profiles[0].Gorun.Module); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseTimeSpan(f *testing.F) {
	f.Add("00:02:00")
	f.Add("10.23:59:59")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseTimeSpan(s); err == nil && (d < 0 || d%time.Second != 0) {
			t.Errorf("%q is %v", s, d)
		}
	})
}
