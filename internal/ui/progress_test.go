package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressOffTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, stdout, stderr := recorded(Options{})
		p := u.Progress()
		p.Done() // nothing was begun
		p.Start("building ./cmd/quick")
		time.Sleep(999 * time.Millisecond)
		p.Done()
		p.Done()
		if stderr.Len() > 0 {
			t.Errorf("quick work has a line: %q", stderr)
		}
		p.Start("building ./cmd/\x1bapi")
		time.Sleep(1001 * time.Millisecond)
		synctest.Wait()
		begun := stderr.String()
		time.Sleep(799 * time.Millisecond)
		u.Say("in between")
		p.Start("linking") // ends what was before
		p.Done()
		want := "gorun: building ./cmd/\\x1bapi ...\n"
		if begun != want {
			t.Errorf("after a second: %q", begun)
		}
		if want += "gorun: in between\ngorun: building ./cmd/\\x1bapi ... 1.8s\n"; stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("got %q, want %q", stderr, want)
		}
	})
}

func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, _, stderr := colourful(Options{})
		u.err.paint(false)
		p := u.Progress()
		p.Start("building ./cmd/api")
		time.Sleep(1150 * time.Millisecond)
		u.Say("fact")
		time.Sleep(100 * time.Millisecond)
		p.Done()
		line := "gorun: building ./cmd/api ... "
		blank := "\r" + strings.Repeat(" ", len(line)+4) + "\r"
		want := "\r" + line + "1.0s\r" + line + "1.1s" + blank + "gorun: fact\n\r" + line + "1.2s" + blank + line + "1.2s\n"
		if stderr.String() != want {
			t.Errorf("got  %q\nwant %q", stderr, want)
		}
	})
}

func TestProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, _, stderr := colourful(Options{})
		u.err.paint(false)
		columns := 40
		u.err.width = func() int { columns -= 5; return columns }
		p := u.Progress()
		p.Start("building " + strings.Repeat("日本", 20))
		time.Sleep(1150 * time.Millisecond)
		p.Done()
		drawn := strings.Split(stderr.String(), "\r")[1:3]
		if displayWidth(drawn[0]) > 34 || !strings.HasSuffix(drawn[0], "… ... 1.0s") {
			t.Errorf("%q is %d columns wide", drawn[0], displayWidth(drawn[0]))
		}
		if end := strings.TrimRight(drawn[1], " "); displayWidth(end) > 29 || displayWidth(drawn[1]) != displayWidth(drawn[0]) {
			t.Errorf("%q does not cover %q", drawn[1], drawn[0])
		}
	})
}

func TestProgressIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, _, stderr := recorded(Options{Verbosity: Quiet})
		p := u.Progress()
		p.Start("building")
		time.Sleep(time.Minute)
		p.Done()
		if stderr.Len() > 0 {
			t.Errorf("got %q", stderr)
		}
	})
}
