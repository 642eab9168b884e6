package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// browser writes a program that stands for a browser: it keeps the address that it is given.
func browser(t *testing.T) (program, opened string) {
	t.Helper()
	dir := t.TempDir()
	program, opened = filepath.Join(dir, "browser"), filepath.Join(dir, "opened")
	script := "#!/bin/sh\nprintf %s \"$1\" >" + opened + ".part && mv " + opened + ".part " + opened + "\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program, opened
}

const browserSettings = `{"profiles":{"x":{"commandName":"Project","launchBrowser":true,"launchUrl":"swagger","applicationUrl":"http://127.0.0.1:0"}}}`

func TestBrowserOpensWhenTheProgramListens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "launchSettings.json")
	if err := os.WriteFile(path, []byte(browserSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		env   string
		flag  string
		opens bool
	}{
		{"on a terminal", "CI=", "--no-browser=false", true},
		{"under CI", "CI=true", "--no-browser=false", false},
		{"not wanted", "CI=", "--no-browser", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program, opened := browser(t)
			cmd := command(t, "--no-build", "--launch-settings", path, c.flag, "./testdata/apps/web")
			cmd.Env = append(cmd.Env, "BROWSER="+program, c.env)
			term := openTerminal(t, cmd)
			term.sees(t, "Now listening on: http://127.0.0.1:")
			if c.opens {
				within(t, "the browser", func() bool { _, err := os.Stat(opened); return err == nil })
				url, err := os.ReadFile(opened)
				if err != nil || !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*/swagger$`).Match(url) {
					t.Errorf("opened %q, %v", url, err)
				}
			}
			term.types(t, "\x03")
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, term.shown.String())
			}
			if _, err := os.Stat(opened); (err == nil) != c.opens {
				t.Errorf("opened: %v, want %v", err == nil, c.opens)
			}
		})
	}
}
