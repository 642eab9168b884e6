package gobuild

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockTurn is how long a gorun that waits for another one's build sleeps between two looks. The system has no lock
// that can be waited for and given up.
const lockTurn = 10 * time.Millisecond

// lockTurns is after how many turns a gorun that has no name is waited for all the same.
const lockTurns = 10

// lockOf is the file whose lock a build of out holds. It stands beside the folder of the binary.
func lockOf(out string) string { return filepath.Dir(out) + ".lock" }

// lock takes the lock of an output, whose folders are there. While another process has it, waiting is called once with
// that one's pid, 0 when it is not known. The lock goes with its owner, however that ends. A file system without
// locks has none to give, and none is needed there to keep a binary whole.
func lock(ctx context.Context, out string, waiting func(pid int)) (unlock func(), err error) {
	path := lockOf(out)
	told := false
	for turn := 0; ; turn++ {
		l := flock.New(path, flock.SetPermissions(0o600))
		locked, err := l.TryLock()
		if err != nil {
			return nil, err
		}
		if locked && isLockOf(l, path) {
			os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600) // for people; who cannot read it waits all the same
			return func() { os.Truncate(path, 0); l.Unlock() }, nil
		}
		if locked { // the file was removed by who cleaned up
			l.Unlock()
			continue
		}
		l.Close()
		// Who has just taken it is about to write its name.
		if pid := lockOwner(path); !told && (pid != 0 || turn == lockTurns) {
			waiting(pid)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockTurn):
		}
	}
}

// isLockOf reports whether the lock is that of the file which is at path now.
func isLockOf(l *flock.Flock, path string) bool {
	held, err := l.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(held, there)
}

func lockOwner(path string) int {
	data, _ := os.ReadFile(path) // on Windows what is locked cannot be read
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return pid
}
