package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// logs are the files of a log, and what is in them.
func logs(t testing.TB, log StdoutLog) map[string]string {
	t.Helper()
	names, err := filepath.Glob(log.File + "*")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

// TestL1_L7_L8: one file for each process, in folders that are made, with both streams as they came.
func TestL1_L7_L8_StdoutLoggingToFile(t *testing.T) {
	t.Parallel()
	log := StdoutLog{Enabled: true, File: filepath.Join(t.TempDir(), "π ≠ 3·14", "logs", "stdout")}
	w := prepared(t, "BEHIND_STDOUT=crlf\r\nΩ", "BEHIND_STDERR=of stderr").open(func(o *Options) { o.Log = log })
	before := time.Now().Add(-time.Second)
	p := w.get()
	if _, err := browse(p, "/print?text=later"); err != nil {
		t.Fatal(err)
	}
	until(t, "the file has what was written", func() bool {
		for _, text := range logs(t, log) {
			return strings.Contains(text, "later")
		}
		return false
	})
	p.Release()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	all := logs(t, log)
	if len(all) != 1 {
		t.Fatalf("%d files: %v", len(all), all)
	}
	for name, text := range all {
		parts := regexp.MustCompile(`^stdout_(\d{14})_(\d+)\.log$`).FindStringSubmatch(filepath.Base(name))
		if parts == nil || parts[2] != fmt.Sprint(p.PID()) {
			t.Fatalf("the file is %s, of process %d", name, p.PID())
		}
		if at, err := time.Parse("20060102150405", parts[1]); err != nil || at.Before(before) || at.After(time.Now()) {
			t.Errorf("the time in the name is %v", at)
		}
		for _, want := range []string{"crlf\r\nΩ\n", "of stderr\n", "later\n"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("no %q in %q", want, text)
			}
		}
	}
}

func TestEmptyLogIsRemoved(t *testing.T) {
	t.Parallel()
	log := StdoutLog{Enabled: true, File: filepath.Join(t.TempDir(), "stdout")}
	w := prepared(t).open(func(o *Options) { o.Log = log })
	w.page("/")
	if got := logs(t, log); len(got) != 1 {
		t.Errorf("while it runs: %v", got)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if got := logs(t, log); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// TestL2: a log that cannot be made is a warning, and the program runs.
func TestL2_InvalidFilePathForLogs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := prepared(t, "BEHIND_STDOUT=text").open(func(o *Options) {
		o.Log = StdoutLog{Enabled: true, File: filepath.Join(file, "below", "stdout")}
	})
	if got := w.page("/print?text=more"); got != "printed" {
		t.Errorf("got %q", got)
	}
	until(t, "the output is shown", func() bool { return w.out.String() == "text\nmore\n" })
	if e := w.expect(event.Warned, 1); e.Diagnostics[0].Code != "stdout-log" || e.Diagnostics[0].Suggestion == "" {
		t.Errorf("%+v", e)
	}
}

// A disk that is full is told once, and the program runs on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		if runtime.GOOS == "linux" {
			t.Fatal(err)
		}
		t.Skip("this system has no /dev/full")
	}
	log := StdoutLog{Enabled: true, File: filepath.Join(t.TempDir(), "stdout")}
	began := time.Date(2018, 2, 5, 19, 41, 32, 0, time.UTC)
	full := log.File + "_20180205194132_1934.log" // the example of the reference's documentation
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	var told []error
	f := log.create(began.In(time.FixedZone("", 3600)), 1934, func(err error) { told = append(told, err) })
	for range 3 {
		f.write([]byte("text"))
	}
	f.close()
	if len(told) != 1 || !strings.Contains(told[0].Error(), full) {
		t.Errorf("told %v", told)
	}
}
