package process

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// proc is what /proc/<pid>/stat says of a process.
type proc struct {
	pid, parent int
	state       byte   // R, S, D, T, t, Z, X, I
	birth       uint64 // when it started, in clock ticks since boot
}

// dead reports whether only its parent's wait is missing.
func (p proc) dead() bool { return p.state == 'Z' || p.state == 'X' }

// descendants returns the live processes that come from root, without root, parents before children. Processes
// that come and go while it reads may be missed.
func descendants(root int) []proc {
	r := newProcReader()
	var found []proc
	queue := r.children(root)
	for len(queue) > 0 {
		pid := queue[0]
		queue = append(queue[1:], r.children(pid)...)
		if p, ok := r.stat(pid); ok && !p.dead() {
			found = append(found, p)
		}
	}
	return found
}

// procReader reads small files of /proc through one buffer.
type procReader struct {
	buf     []byte
	parents map[int][]int // children by parent, where the kernel has no children files
}

// newProcReader finds out where children can be read: most kernels list them (CONFIG_PROC_CHILDREN), for the others
// all processes are read once.
func newProcReader() *procReader {
	r := &procReader{}
	if syscall.Access("/proc/thread-self/children", 0) != nil {
		r.scan()
	}
	return r
}

// stat reads one process. ok is false when there is none of that pid.
func (r *procReader) stat(pid int) (p proc, ok bool) {
	return parseStat(r.read("/proc/" + strconv.Itoa(pid) + "/stat"))
}

// parseStat reads the fields of a stat file, see proc(5). The second one, the name, may hold anything; it ends
// at the last parenthesis.
func parseStat(text []byte) (p proc, ok bool) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || end < open || end+2 > len(text) {
		return proc{}, false
	}
	fields := bytes.Fields(text[end+1:]) // from the third on
	if len(fields) < 20 {
		return proc{}, false
	}
	pid, err1 := strconv.Atoi(string(text[:open-1]))
	parent, err2 := strconv.Atoi(string(fields[1]))
	birth, err3 := strconv.ParseUint(string(fields[19]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return proc{}, false
	}
	return proc{pid: pid, parent: parent, state: fields[0][0], birth: birth}, true
}

// children returns the pids of the children of a process, dead ones included. The kernel lists them thread by
// thread.
func (r *procReader) children(pid int) []int {
	if r.parents != nil {
		return r.parents[pid]
	}
	folder := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer tasks.Close()
	names, _ := tasks.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		for field := range bytes.FieldsSeq(r.read(folder + name + "/children")) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// scan reads every process there is.
func (r *procReader) scan() {
	r.parents = map[int][]int{}
	folder, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := r.stat(pid); ok {
				r.parents[p.parent] = append(r.parents[p.parent], pid)
			}
		}
	}
}

// read returns the content of a small file, valid until the next call; empty when it cannot be read.
func (r *procReader) read(path string) []byte {
	if r.buf == nil {
		r.buf = make([]byte, 4096)
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	size := 0
	for {
		n, err := syscall.Read(fd, r.buf[size:])
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 {
			return r.buf[:size]
		}
		if size += n; size == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
}
