package ui

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata. An escape character stands there as ␛, so that the files can be read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\x1b", "␛")
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s\ngot:\n%s", path, diff, got)
	}
}

// recorded is a UI that writes to memory, as if to no terminal.
func recorded(o Options) (u *UI, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	o.Stdout, o.Stderr = stdout, stderr
	return New(o), stdout, stderr
}

// colourful is one that writes as if to a terminal.
func colourful(o Options) (u *UI, stdout, stderr *bytes.Buffer) {
	u, stdout, stderr = recorded(o)
	for _, s := range []*stream{&u.out, &u.err} {
		s.terminal = true
		s.paint(true)
	}
	return u, stdout, stderr
}
