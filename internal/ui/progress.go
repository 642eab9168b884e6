package ui

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	quickWork   = time.Second            // what is done sooner is not worth a line
	redrawEvery = 100 * time.Millisecond // on a terminal
)

// Progress shows that work of more than a second is alive: on a terminal one line that is redrawn with the time so
// far, elsewhere one line when a second has passed and one at the end. Quicker work has no line, and neither has any
// when the verbosity is Quiet.
//
// It has one goroutine, from Start to Done, and Done waits for it. Both may be called from any goroutine, but not at once.
type Progress struct {
	ui   *UI
	stop chan struct{} // nil when nothing is going on
	done sync.WaitGroup
}

// Progress makes one that is idle.
func (u *UI) Progress() *Progress { return &Progress{ui: u} }

// Start says what is being done from now on, such as "building ./cmd/api". It ends what was being done.
func (p *Progress) Start(label string) {
	p.Done()
	if p.ui.verbosity <= Quiet {
		return
	}
	stop := make(chan struct{})
	p.stop = stop
	p.done.Go(func() { p.ui.show(visible(label), stop) })
}

// Done says that the work is over, well or not, and returns when the last line is written. Without work it does nothing.
func (p *Progress) Done() {
	if p.stop != nil {
		close(p.stop)
		p.done.Wait()
		p.stop = nil
	}
}

// show runs until stop is closed.
func (u *UI) show(label string, stop <-chan struct{}) {
	begin := time.Now()
	select {
	case <-stop:
		return
	case <-time.After(quickWork):
	}
	if !u.err.terminal {
		u.tell(u.err.dim("gorun:") + " " + label + " ...\n")
		<-stop
		u.tell(u.progressLine(label, begin) + "\n")
		return
	}
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		u.redraw(label, begin)
		select {
		case <-stop:
			u.tell(u.progressLine(label, begin) + "\n")
			return
		case <-tick.C:
		}
	}
}

// redraw writes over the line that it wrote before. A line as wide as the terminal would begin a new one.
func (u *UI) redraw(label string, begin time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	seconds := fmt.Sprintf(" ... %.1fs", time.Since(begin).Seconds())
	if columns := u.err.width(); columns > 0 {
		label = fitted(label, max(1, columns-1-len("gorun: ")-len(seconds)))
	}
	width := len("gorun: ") + displayWidth(label) + len(seconds)
	rest := strings.Repeat(" ", max(0, u.drawn-width)) // of a longer line
	u.drawn = width
	u.write("\r" + u.err.dim("gorun:") + " " + label + seconds + rest)
}

func (u *UI) progressLine(label string, begin time.Time) string {
	return fmt.Sprintf("%s %s ... %.1fs", u.err.dim("gorun:"), label, time.Since(begin).Seconds())
}
