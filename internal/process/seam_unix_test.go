//go:build linux || darwin

package process

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	// Each step is at a number of milliseconds: "c" a copy arrives, "o" an order, "=" what is due then.
	type step struct {
		at  int
		do  byte
		sig syscall.Signal
		due []syscall.Signal
	}
	const a, b = syscall.SIGINT, syscall.SIGHUP
	tests := map[string][]step{
		"copy first":           {{at: 0, do: 'c', sig: a}, {at: 5, do: 'o', sig: a}, {at: 500, do: '='}},
		"order first":          {{at: 0, do: 'o', sig: a}, {at: 5, do: 'c', sig: a}, {at: 500, do: '='}},
		"order alone":          {{at: 0, do: 'o', sig: a}, {at: 49, do: '='}, {at: 50, do: '=', due: []syscall.Signal{a}}, {at: 99, do: '='}},
		"copy of another":      {{at: 0, do: 'c', sig: b}, {at: 0, do: 'o', sig: a}, {at: 50, do: '=', due: []syscall.Signal{a}}},
		"a copy counts once":   {{at: 0, do: 'c', sig: a}, {at: 1, do: 'o', sig: a}, {at: 2, do: 'o', sig: a}, {at: 52, do: '=', due: []syscall.Signal{a}}},
		"two of each":          {{at: 0, do: 'o', sig: a}, {at: 1, do: 'o', sig: a}, {at: 2, do: 'c', sig: a}, {at: 3, do: 'c', sig: a}, {at: 99, do: '='}},
		"an old copy":          {{at: 0, do: 'c', sig: a}, {at: 1001, do: 'o', sig: a}, {at: 1051, do: '=', due: []syscall.Signal{a}}},
		"in the order of asks": {{at: 0, do: 'o', sig: b}, {at: 1, do: 'o', sig: a}, {at: 80, do: '=', due: []syscall.Signal{b, a}}},
	}
	begin := time.Now()
	for name, steps := range tests {
		var l ledger
		for _, s := range steps {
			now := begin.Add(time.Duration(s.at) * time.Millisecond)
			switch s.do {
			case 'c':
				l.received(s.sig, now)
			case 'o':
				l.ordered(s.sig, now)
			default:
				if due := l.due(now); !slices.Equal(due, s.due) {
					t.Errorf("%s: at %d due %v, want %v", name, s.at, due, s.due)
				}
			}
		}
	}
}

func FuzzTask(f *testing.F) {
	f.Add("/bin/x", "/dir", "a\x01b c\x01", "A=1\x01B=2", true)
	f.Add("", "", "", "", false)
	f.Fuzz(func(t *testing.T, path, dir, args, env string, foreground bool) {
		want := task{path, dir, split(args), split(env), foreground, !foreground, []int{0, 1, 2, 63}}
		spec := Spec{Path: path, Dir: dir, Args: want.args, Env: want.env}
		if spec.check() != nil {
			return
		}
		got, err := readTask(bytes.NewReader(want.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(task{})); diff != "" {
			t.Error(diff)
		}
	})
}

func split(text string) []string {
	list := []string{}
	for part := range bytes.SplitSeq([]byte(text), []byte{1}) {
		list = append(list, string(part))
	}
	return list
}

func FuzzParseTask(f *testing.F) {
	f.Add("a\x00b\x00true\x00false\x000,1\x001\x00x")
	f.Fuzz(func(t *testing.T, text string) { _, _ = parseTask(text) })
}
