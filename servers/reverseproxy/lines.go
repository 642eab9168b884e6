package reverseproxy

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	keptLines = 30          // of what the program wrote, for errors
	lineLimit = 8 << 10     // bytes of one line: what is longer is told in pieces
	quietTime = time.Second // between two lines that say that the app fails: a client that tries often would fill the terminal
)

// lines is what a front writes: its log. Until it is opened, lines are only kept, because a front that fails to start
// says why in its error.
type lines struct {
	dialect dialect
	out     io.Writer // nil: nobody listens

	mu     sync.Mutex
	open   bool
	tail   []string  // the last lines, raw
	failed time.Time // when a failure of the app was last told of
}

// read takes in the program's output until all that have it open have ended.
func (l *lines) read(from io.Reader) {
	in := bufio.NewReaderSize(from, lineLimit)
	for {
		text, _, err := in.ReadLine()
		if err != nil {
			return
		}
		l.add(string(text), time.Now())
	}
}

func (l *lines) add(text string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text == "" || l.dialect.ignored(text) {
		return
	}
	if len(l.tail) == keptLines {
		l.tail = slices.Delete(l.tail, 0, 1)
	}
	l.tail = append(l.tail, text)
	if l.open {
		l.tell(text, now)
	}
}

// tell writes a line in the form "nginx: error: message".
func (l *lines) tell(text string, now time.Time) {
	if l.out == nil {
		return
	}
	level, message := l.dialect.parse(text)
	said, failed := l.dialect.explain(message)
	if failed {
		if now.Sub(l.failed) < quietTime {
			return
		}
		l.failed = now
		level = ""
	}
	if level != "" {
		level += ": "
	}
	fmt.Fprintf(l.out, "%s: %s%s\n", l.dialect.name(), level, said)
}

// start tells what was kept, and from now on every line as it comes.
func (l *lines) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
	for _, text := range l.tail {
		l.tell(text, time.Now())
	}
}

// last are the last lines.
func (l *lines) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tail)
}
