package backend

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/process"
)

// What is kept of a program's output for errors (reference: servers.md, 1.4 and 1.10).
const (
	MaxOutput = 30_000 // characters (Unicode code points) of its begin
	MaxLines  = 30     // of its end
)

// maxTail is how much of the end is kept: the last lines of a program that writes long ones are cut.
const maxTail = 32 << 10

// output carries what one program writes to where it belongs: to the streams of the options, to the log file, and to
// what is kept for errors. A zero output carries nothing.
//
// Its goroutines are one for each stream; finish waits for them.
type output struct {
	log *logFile // nil: none

	streams []*stream
	readers sync.WaitGroup

	mu    sync.Mutex
	ready bool // what came first is not wanted any more
	first []byte
	last  []byte
}

// stream is one of stdout and stderr.
type stream struct {
	read, write *os.File
	to          io.Writer // nil: nobody
}

// newOutput puts pipes into spec.
func newOutput(spec *process.Spec, stdout, stderr io.Writer) (*output, error) {
	o := &output{}
	for _, to := range []io.Writer{stdout, stderr} {
		read, write, err := os.Pipe()
		if err != nil {
			o.closeWriters()
			o.discard()
			return nil, err
		}
		o.streams = append(o.streams, &stream{read, write, to})
	}
	spec.Stdout, spec.Stderr = o.streams[0].write, o.streams[1].write
	return o, nil
}

// closeWriters is to be called when the program has them.
func (o *output) closeWriters() {
	for _, s := range o.streams {
		s.write.Close()
	}
}

// discard is for a program that was not started.
func (o *output) discard() {
	for _, s := range o.streams {
		s.read.Close()
	}
}

// run begins to carry.
func (o *output) run() {
	for _, s := range o.streams {
		o.readers.Go(func() { o.carry(s) })
	}
}

// quiet is how long a pipe of a program that has ended with all its tree may say nothing until it is given up: somebody
// outside of the tree holds its other end.
const quiet = 100 * time.Millisecond

// finish waits for the rest, once the program and its tree have ended.
func (o *output) finish() {
	for _, s := range o.streams {
		_ = s.read.SetReadDeadline(time.Now().Add(quiet)) // Windows has none: there the job holds all that may write
	}
	o.readers.Wait()
	if o.log != nil {
		o.log.close()
		o.log = nil
	}
}

// carry hands on each chunk as it comes: a program that writes whole lines is shown in whole lines.
func (o *output) carry(s *stream) {
	defer s.read.Close()
	buf := make([]byte, 32<<10)
	silent := false
	for {
		n, err := s.read.Read(buf)
		if n > 0 {
			silent = false
			o.take(buf[:n])
			if s.to != nil {
				_, _ = s.to.Write(buf[:n]) // the program is not to suffer from who does not listen
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && !silent:
			silent = true // what is in the pipe already is still to be read
			_ = s.read.SetReadDeadline(time.Now().Add(quiet))
		default:
			return
		}
	}
}

// take keeps what errors want.
func (o *output) take(chunk []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := MaxOutput*utf8.UTFMax - len(o.first); room > 0 && !o.ready {
		o.first = append(o.first, chunk[:min(room, len(chunk))]...)
	}
	if o.last = append(o.last, chunk...); len(o.last) > 2*maxTail {
		o.last = append(o.last[:0], o.last[len(o.last)-maxTail:]...)
	}
	if o.log != nil {
		o.log.write(chunk)
	}
}

// forgetHead is for a program that is ready: only a start that failed tells what came first.
func (o *output) forgetHead() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready, o.first = true, nil
}

// head is the begin, at most MaxOutput characters.
func (o *output) head() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.first
	for n := 0; len(text) > 0 && n < MaxOutput; n++ {
		_, size := utf8.DecodeRune(text)
		text = text[size:]
	}
	return string(o.first[:len(o.first)-len(text)])
}

// tail is the last lines, without their ends.
func (o *output) tail() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := strings.TrimRight(string(o.last[max(0, len(o.last)-maxTail):]), "\r\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	return lines[max(0, len(lines)-MaxLines):]
}

// oneAtATime keeps the processes of a pool apart on a stream that they share.
type oneAtATime struct {
	mu *sync.Mutex
	to io.Writer
}

// shared is to with a lock; nil stays nil, and so does what has it already.
func shared(mu *sync.Mutex, to io.Writer) io.Writer {
	if _, has := to.(oneAtATime); has || to == nil {
		return to
	}
	return oneAtATime{mu, to}
}

func (w oneAtATime) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}
