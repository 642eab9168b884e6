package module

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers/module/debuglog"
)

// logging has the output of the app go to dir/stdout_*.log.
func logging(dir string) func(*Options) {
	return func(o *Options) {
		o.App.Backend.Log.Enabled, o.App.Backend.Log.File = true, filepath.Join(dir, "stdout")
	}
}

// onlyLog is the text of the one log there is.
func onlyLog(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "stdout_*.log"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("the logs are %v, %v", paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// L1, L7, L8: what the app prints goes to one file, as it is.
func TestL1_L7_L8_StdoutLog(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		dir := filepath.Join(t.TempDir(), "逆境 logs")
		w := start(t, hosting, logging(dir), "BEHIND_STDOUT=彡⾔\r\nsecond", "BEHIND_STDERR=to stderr")
		w.ok("/")
		w.close()
		text := onlyLog(t, dir)
		for _, part := range []string{"彡⾔\r\nsecond\n", "to stderr\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in %q", part, text)
			}
		}
	})
}

// L2: a log that cannot be written is a warning, and the app runs.
func TestL2_LogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		dir := t.TempDir()
		writeIn(t, dir, "file", "")
		w := start(t, hosting, logging(filepath.Join(dir, "file")))
		w.ok("/")
		if d := w.await(event.Warned, 1).Diagnostics[0]; d.Code != "stdout-log" {
			t.Errorf("it was told: %v", d)
		}
	})
}

// L9, L10: what a program printed before it failed is in the event, up to its first 30,000 characters.
func TestL9_L10_OutputOfAFailedStart(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil, "BEHIND_STDOUT=Wow! 彡", "BEHIND_STDOUT_SIZE=40000", "BEHIND_EXIT=1")
		w.get("/")
		text := []rune(w.await(event.StartFailed, 1).Text)
		if len(text) != 30_000 || !strings.HasPrefix(string(text), "Wow! 彡\n0123") {
			t.Errorf("%d characters: %.40s", len(text), string(text))
		}
	})
}

// L11: without the redirection there is nothing to tell.
func TestL11_NoRedirection(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, func(o *Options) { o.App.Backend.NoOutput = true }, "BEHIND_STDERR=Wow!", "BEHIND_EXIT=1")
	if a := w.get("/"); strings.Contains(a.body, "Wow!") {
		t.Errorf("got %s", a.body)
	}
	if text := w.await(event.StartFailed, 1).Text; text != "" {
		t.Errorf("it was told: %q", text)
	}
}

// L12: the first thing that the app prints is shown.
func TestL12_FirstWriteIsShown(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil, "BEHIND_STDOUT=first")
		w.ok("/")
		w.close()
		if text := w.out.String(); !strings.Contains(text, "first\n") { // stderr may come before it
			t.Errorf("got %q", text)
		}
	})
}

// L3: the module's own log has the versions, how the app is served, and what becomes of it.
func TestL3_DebugLog(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		dir := t.TempDir()
		log := debuglog.New(dir, nil)
		if err := log.Set(debuglog.Settings{Level: "file,trace", File: `subdirectory\debug.txt`}); err != nil {
			t.Fatal(err)
		}
		w := start(t, hosting, func(o *Options) { o.Log = log.Logger() })
		w.ok("/pid")
		w.await(event.ProcessReady, 1) // in-process the app may answer before the front knows
		w.close()
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "subdirectory", "debug.txt"))
		if err != nil {
			t.Fatal(err)
		}
		parts := []string{"the module's log begins", "the application is served", "hosting=" + string(hosting),
			"process started successfully and is ready", "process was shut down"}
		if hosting == OutOfProcess { // in-process the front sees no request
			parts = append(parts, `level=TRACE msg="a request was passed on" method=GET path=/pid`)
		}
		for _, part := range parts {
			if !strings.Contains(string(data), part) {
				t.Errorf("no %q in\n%s", part, data)
			}
		}
		if log.Logger().Enabled(t.Context(), slog.LevelError) {
			t.Error("it still logs")
		}
	})
}
