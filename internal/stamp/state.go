package stamp

import (
	"crypto/sha256"
	"io"
	"os"
	"sync"
	"time"
)

// Kind says what a name stands for.
type Kind byte

const (
	Absent  Kind = 'a' // nothing is there
	Regular Kind = 'r'
	Linked  Kind = 'l' // a link to a regular file
	Folded  Kind = 'd' // a folder, or a link to one
	Other   Kind = 'o' // a device, a link that leads nowhere, what cannot be looked at
	Unknown Kind = 'u' // not known: it changed while the output was made
)

// kinds are all of them.
const kinds = string(Absent) + string(Regular) + string(Linked) + string(Folded) + string(Other) + string(Unknown)

// State is what the system says of a file without reading it. Of a link, it is that of the file behind it.
// The numbers are zero for what is no file.
type State struct {
	Kind                       Kind
	Inode                      uint64
	Size, Modified, ChangeTime int64 // bytes; nanoseconds since 1970
}

// content reports whether there is something to be summed up.
func (s State) content() bool { return s.Kind == Regular || s.Kind == Linked }

// Look returns the state of the file at path.
func Look(path string) State { return look(path) }

// tick is how long after a change another one may carry the same time: the kernel's clock advances by some
// milliseconds, and the clock of a shared folder's host may differ a little. Where no time has a fraction, the file
// system counts in seconds, or in two.
func (s State) tick() time.Duration {
	if s.ChangeTime%int64(time.Second) == 0 && s.Modified%int64(time.Second) == 0 {
		return 3 * time.Second
	}
	return time.Second
}

// settled reports whether any change after the moment gives the file another state.
func (s State) settled(moment int64) bool { return s.ChangeTime < moment-int64(s.tick()) }

// same reports whether now is the state of a file that was in state s at the moment and is the same since. Of what has
// no content, the kind is all that counts.
func (s State) same(now State, moment int64) bool {
	if !s.content() {
		return s.Kind == now.Kind && s.Kind != Unknown
	}
	return s == now && s.settled(moment)
}

// unchanged is the like of same for a folder whose listing counts.
func (s State) unchanged(now State, moment int64) bool {
	return s == now && s.Kind != Unknown && s.settled(moment)
}

// buffers are those of sumOf, which is called for many small files in a row.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// sum reads a file and returns it with its sums; they are zero when that cannot be done.
func (f File) sum(path string, rules Rules, rule string) File {
	f.Sum, f.Part = Sum{}, Sum{}
	file, err := os.Open(path)
	if err != nil {
		return f
	}
	defer file.Close()
	reach := rules.reach(rule, f.Name)
	if reach == ReachPart {
		if content, err := io.ReadAll(file); err == nil {
			f.Sum, f.Part = SumOf(string(content)), rules.Part(content)
		}
		return f
	}
	f.Sum = sumOf(file)
	if f.Part = f.Sum; reach == ReachNone && f.Sum != (Sum{}) {
		f.Part = nothing
	}
	return f
}

// nothing is the part of a file that decides nothing.
var nothing = SumOf("")

func (r Rules) reach(rule, name string) Reach {
	if r.Reach == nil {
		return ReachAll
	}
	return r.Reach(rule, name)
}

func sumOf(file io.Reader) Sum {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	hash := sha256.New()
	for {
		n, err := file.Read(buffer[:])
		hash.Write(buffer[:n])
		if err == io.EOF {
			break
		} else if err != nil {
			return Sum{}
		}
	}
	var whole [sha256.Size]byte
	return Sum(hash.Sum(whole[:0])[:len(Sum{})])
}
