package process

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 42 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 10 11"
	for name, text := range map[string]string{
		"plain": "17 (sh)" + tail, "spaces": "17 (a b)" + tail, "parentheses": "17 (a) R 3 (b))" + tail, "empty": "17 ()" + tail,
	} {
		p, ok := parseStat([]byte(text))
		if want := (proc{pid: 17, parent: 42, state: 'S', birth: 9876}); !ok || p != want {
			t.Errorf("%s: %+v, %v", name, p, ok)
		}
	}
	for _, text := range []string{"", "17", "17 (", "(sh) S", "17 (sh)", "17 (sh) S 1 2"} {
		if p, ok := parseStat([]byte(text)); ok {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (sh) S 42 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 10 11"))
	f.Fuzz(func(t *testing.T, text []byte) { parseStat(text) })
}

// The kernel's lists of children and the scan of all processes say the same.
func TestChildrenBothWays(t *testing.T) {
	t.Parallel()
	child := exec.Command("/bin/sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	scanned := &procReader{}
	scanned.scan()
	for _, r := range []*procReader{newProcReader(), scanned} {
		if pids := r.children(os.Getpid()); !slices.Contains(pids, child.Process.Pid) {
			t.Errorf("child %d is not in %v", child.Process.Pid, pids)
		}
	}
	if own := handles(newProcReader()); !own[child.Process.Pid] {
		t.Errorf("no handle of %d in %v", child.Process.Pid, own)
	}
}
