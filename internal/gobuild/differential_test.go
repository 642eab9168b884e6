package gobuild

import (
	"context"
	cmdline "flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/stamp"
)

// seedFlag repeats a run of TestDifferential; GORUN_SEED does the same.
var seedFlag = cmdline.Uint64("seed", 0, "what random edits begin with; 0 is another one each time")

// TestDifferential edits real programs at random and asks gorun and the go command the same question each time. That
// gorun uses a binary although the go command would make another one is the worst that it can do.
func TestDifferential(t *testing.T) {
	t.Parallel()
	seed, edits := *seedFlag, 40
	if os.Getenv("GORUN_CI") != "" {
		edits = 330
	}
	if text := os.Getenv("GORUN_SEED"); seed == 0 && text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	tally := &tally{kinds: make(map[string]*count)}
	t.Run("edits", func(t *testing.T) {
		shares := 0
		for _, d := range differentialSites {
			shares += d.share
		}
		for i, d := range differentialSites {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				if d.tool != "" {
					need(t, d.tool)
				}
				s := newSite(t, d.archive, "m")
				if d.prepare != nil {
					d.prepare(s)
					s.pristine = s.tree()
				}
				x := &trial{site: s, rng: rand.New(rand.NewPCG(seed, uint64(i))), tally: tally, seed: seed, vars0: cloneMap(s.vars)}
				x.edits = slices.Concat(editsOfFiles, editsOfModules, editsOfSettings, editsOfRemains, d.edits)
				x.run((edits*d.share + shares - 1) / shares)
			})
		}
	})
	// CI shows what begins with this word.
	fmt.Println("count: " + strings.ReplaceAll(strings.TrimSpace(tally.table(seed)), "\n", "\ncount: "))
}

// trial is one program on its way through random edits.
type trial struct {
	*site
	rng     *rand.Rand
	edits   []edit
	vars0   map[string]string // the variables as they were at first
	seed    uint64
	tally   *tally
	history []string
	calm    bool // whether the last step ended with a binary that suffices
	broken  bool // whether the last step ended without one
}

// edit is one kind of edit. It returns what it did, "" when it could do nothing.
type edit struct {
	kind  string
	quiet bool // whether gorun must see that it changes nothing
	rare  bool // because it takes long
	do    func(x *trial) string
}

// run makes at least n edits.
func (x *trial) run(n int) {
	x.mustBuild()
	x.judge([]edit{{kind: "none"}})
	for done := 0; done < n && !x.t.Failed(); {
		var made []edit
		switch {
		case x.broken && x.rng.IntN(4) > 0 || x.rng.IntN(15) == 0:
			x.takeBack()
			made = []edit{{kind: "all taken back"}}
		case x.rng.IntN(8) == 0:
			made = x.duringBuild()
		default:
			made = x.several()
		}
		done += len(made)
		x.judge(made)
	}
}

func (x *trial) note(format string, args ...any) {
	x.history = append(x.history, fmt.Sprintf(format, args...))
}

// takeBack makes everything as it was at first.
func (x *trial) takeBack() {
	x.note("everything taken back")
	x.restore()
	x.vars, x.flags = cloneMap(x.vars0), nil
}

// several makes one edit, seldom two or three.
func (x *trial) several() (made []edit) {
	if x.calm && x.rng.IntN(3) == 0 {
		x.age()
	}
	for n := max(1, x.rng.IntN(12)-8); len(made) < n; {
		edits := x.edits
		if x.rng.IntN(5) == 0 {
			edits = editsOfContent
		}
		made = append(made, x.one(edits))
	}
	return made
}

// age makes the stamp one that was taken long after the last change, so that what looks the same is not read again.
func (x *trial) age() {
	_, out, err := x.find()
	if err != nil {
		return
	}
	s, err := stamp.Read(stampOf(out))
	if err != nil {
		return
	}
	x.note("the stamp is read long after")
	s.Taken += time.Hour.Nanoseconds()
	x.check(s.Write(stampOf(out)))
}

// one makes an edit of a random kind. Where earlier edits have left nothing that could be edited so, the files are taken back.
func (x *trial) one(edits []edit) edit {
	for range 1000 {
		e := edits[x.rng.IntN(len(edits))]
		if e.rare && (os.Getenv("GORUN_CI") == "" || x.rng.IntN(8) > 0) {
			continue
		}
		if what := e.do(x); what != "" {
			x.note("%s: %s", e.kind, what)
			return e
		}
	}
	x.note("all files taken back")
	x.restore()
	return edit{kind: "all taken back"}
}

// duringBuild edits while a build runs that an edit before made necessary, also while a first one runs.
func (x *trial) duringBuild() []edit {
	made := []edit{x.one(editsOfContent)}
	if _, out, err := x.find(); err == nil && x.rng.IntN(2) == 0 {
		x.note("stamp removed")
		os.Remove(stampOf(out))
	}
	var wait sync.WaitGroup
	delays := []time.Duration{time.Duration(x.rng.IntN(300)) * time.Millisecond, time.Duration(x.rng.IntN(100)) * time.Millisecond}
	err := x.build(func(e event.Event) {
		if e.Kind != event.BuildStarted {
			return
		}
		wait.Go(func() {
			for _, delay := range delays[:1+x.rng.IntN(2)] {
				select {
				case <-x.t.Context().Done():
				case <-time.After(delay):
					x.one(slices.Concat(editsOfFiles, editsOfModules))
					x.note("... %v after the start of the build", delay)
				}
			}
		})
	})
	wait.Wait()
	x.note("the build that ran meanwhile: %v", err)
	return append(made, edit{kind: "during the build"})
}

// judge compares gorun's decision with what the go command makes, and what gorun builds with that.
func (x *trial) judge(made []edit) {
	target, out, err := x.find()
	if err != nil {
		x.tally.add(made, func(c *count) { c.nothing++ })
		x.note("no program: %v", err)
		x.broken, x.calm = true, false
		return
	}
	o := x.options()
	reasons, err := Why(x.t.Context(), target, o, out)
	if err != nil {
		x.fail("Why: %v", err)
	}
	have := x.sum(out)
	truth, text := x.goBuild()
	fresh, same := len(reasons) == 0, truth != "" && truth == have
	switch {
	case fresh && !same:
		x.fail("gorun uses a binary that is not what go build makes\n%s", text)
	case !fresh && same && x.calm && !slices.ContainsFunc(made, func(e edit) bool { return !e.quiet }):
		x.fail("a needless build: %q", sentences(reasons))
	}
	x.tally.add(made, func(c *count) {
		switch {
		case !fresh && same:
			c.needless++
			c.reason = reasons[0].String()
		case !same:
			c.changed++
		default:
			c.same++
		}
	})
	x.note("  fresh %v, same %v, %q", fresh, same, sentences(reasons))
	x.rebuild(target, o, out, fresh, truth)
}

// rebuild builds as gorun would, and compares the binary with the one of the go command.
func (x *trial) rebuild(target Target, o Options, out string, fresh bool, truth string) {
	called := false
	_, err := Build(context.WithoutCancel(x.t.Context()), target, o, out, func(event.Event) { called = true })
	if called == fresh {
		x.fail("Build called the go command: %v, Why says that it need not: %v", called, fresh)
	}
	x.broken, x.calm = err != nil, false
	if (err == nil) != (truth != "") {
		x.fail("Build: %v; go build makes %q", err, truth)
	}
	if err != nil {
		return
	}
	if got := x.sum(out); got != truth {
		x.fail("gorun made another binary than go build")
	}
	again, err := Why(x.t.Context(), target, o, out)
	if err != nil {
		x.fail("Why: %v", err)
	}
	x.calm = len(again) == 0
	x.tally.again(again)
}

func (x *trial) fail(format string, args ...any) {
	x.t.Helper()
	x.t.Fatalf("%s\nseed %d; edits:\n%s", fmt.Sprintf(format, args...), x.seed, strings.Join(x.history, "\n"))
}

// tally counts, for all trials together.
type tally struct {
	mu       sync.Mutex
	kinds    map[string]*count
	builds   int
	restless int // builds after which the go command is asked once more
	reason   string
}

// count is what was counted for one kind of edit.
type count struct {
	edits, changed, same, needless int    // same: rightly not built
	nothing                        int    // there was no program to be found
	reason                         string // of the last needless build
}

func (l *tally) kind(name string) *count {
	if l.kinds[name] == nil {
		l.kinds[name] = &count{}
	}
	return l.kinds[name]
}

// add counts edits that were made together; what they brought about counts for their kind when there was only one.
func (l *tally) add(made []edit, brought func(c *count)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range made {
		l.kind(e.kind).edits++
	}
	if last := made[len(made)-1]; len(made) == 1 || last.kind == "during the build" {
		brought(l.kind(last.kind))
	} else {
		c := l.kind("(several at once)")
		brought(c)
	}
}

func (l *tally) again(reasons []Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.builds++
	if len(reasons) > 0 {
		l.restless++
		l.reason = reasons[0].String()
	}
}

func (l *tally) table(seed uint64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	var sum count
	for name, c := range l.kinds {
		names = append(names, name)
		sum.edits, sum.changed, sum.same, sum.needless = sum.edits+c.edits, sum.changed+c.changed, sum.same+c.same, sum.needless+c.needless
	}
	slices.Sort(names)
	var text strings.Builder
	fmt.Fprintf(&text, "differential: seed %d, %d edits, %d changed programs, %d unchanged, %d needless builds; %d of %d builds to be repeated\n",
		seed, sum.edits, sum.changed, sum.same, sum.needless, l.restless, l.builds)
	if l.restless > 0 {
		fmt.Fprintf(&text, "  repeated because of %s\n", l.reason)
	}
	fmt.Fprintf(&text, "  %-34s %6s %8s %8s %9s %8s\n", "kind of edit", "edits", "changed", "same", "needless", "nothing")
	for _, name := range names {
		c := l.kinds[name]
		fmt.Fprintf(&text, "  %-34s %6d %8d %8d %9d %8d  %s\n", name, c.edits, c.changed, c.same, c.needless, c.nothing, c.reason)
	}
	return text.String()
}
