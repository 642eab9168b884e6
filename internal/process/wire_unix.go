//go:build linux || darwin

package process

import (
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// What is said on the control socket between a Tree and its guard. First the Spec goes to the guard, then orders;
// the guard answers with reports. The end of the stream means that the other side is dead. Nothing of this is in
// the environment or the arguments of the program.

// An order is two bytes from the Tree to its guard.
type order struct {
	kind   byte // orderSignal or orderKill
	signal byte // of orderSignal
}

const (
	orderSignal = 'S' // pass a signal on to the program
	orderKill   = 'K' // kill everything, now
)

// A report is five bytes from the guard to its Tree.
type report struct {
	kind  byte
	value uint32
}

const (
	reportStarted = 'P' // the program runs; value is its pid
	reportFailed  = 'E' // it could not be started; value is the error number
	reportEnded   = 'X' // it has ended; value is its wait status
	reportStopped = 'T' // it has stopped itself and still stands; value is the signal
	reportGone    = 'G' // nothing of the tree is left, and the guard ends
	reportLeft    = 'L' // a process that must not be killed is left; value is its pid
)

func (r report) bytes() []byte {
	return binary.LittleEndian.AppendUint32([]byte{r.kind}, r.value)
}

func readReport(from io.Reader) (report, error) {
	var b [5]byte
	if _, err := io.ReadFull(from, b[:]); err != nil {
		return report{}, err
	}
	return report{b[0], binary.LittleEndian.Uint32(b[1:])}, nil
}

func readOrder(from io.Reader) (order, error) {
	var b [2]byte
	_, err := io.ReadFull(from, b[:])
	return order{b[0], b[1]}, err
}

// task is what the guard is told to do: the Spec without its files, and the descriptors that are the program's,
// which have their final numbers already. Its strings hold no NUL, see Spec.check.
type task struct {
	path, dir  string
	args, env  []string
	foreground bool
	listenPID  bool
	fds        []int // ascending
}

// fixedFields is how many fields of a task come before its arguments, with their number as the last.
const fixedFields = 6

// argv is the whole argument vector of the program.
func (t task) argv() []string { return append([]string{t.path}, t.args...) }

func (t task) bytes() []byte {
	fds := make([]string, len(t.fds))
	for i, fd := range t.fds {
		fds[i] = strconv.Itoa(fd)
	}
	fields := []string{
		t.path, t.dir, strconv.FormatBool(t.foreground), strconv.FormatBool(t.listenPID), strings.Join(fds, ","),
		strconv.Itoa(len(t.args)),
	}
	text := strings.Join(slices.Concat(fields, t.args, t.env), "\x00")
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
}

func readTask(from io.Reader) (task, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return task{}, err
	}
	text := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(from, text); err != nil {
		return task{}, err
	}
	return parseTask(string(text))
}

func parseTask(text string) (task, error) {
	fields := strings.Split(text, "\x00")
	if len(fields) < fixedFields {
		return task{}, io.ErrUnexpectedEOF
	}
	args, err := strconv.Atoi(fields[fixedFields-1])
	if err != nil || args < 0 || args > len(fields)-fixedFields {
		return task{}, io.ErrUnexpectedEOF
	}
	lists := fields[fixedFields:]
	t := task{
		path: fields[0], dir: fields[1], foreground: fields[2] == "true", listenPID: fields[3] == "true",
		args: lists[:args], env: lists[args:],
	}
	for text := range strings.SplitSeq(fields[4], ",") {
		fd, err := strconv.Atoi(text)
		if err != nil {
			return task{}, err
		}
		t.fds = append(t.fds, fd)
	}
	return t, nil
}

// rawFile is a blocking descriptor outside the runtime's poller, which the guard has no other use for.
type rawFile int

func (f rawFile) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (f rawFile) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, err := syscall.Write(int(f), b[written:])
		if err != nil && err != syscall.EINTR {
			return written, err
		}
		written += max(n, 0)
	}
	return written, nil
}
