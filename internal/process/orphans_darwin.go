package process

import (
	"syscall"
	"time"
)

// orphans looks after a tree whose guard was killed. On macOS its processes belong to launchd then; those that are
// found are the program, its group, what still descends from them, and what PIDs has seen before.
type orphans struct{ kin *kin }

func newOrphans(guard child, program int, group bool) *orphans {
	return &orphans{kin: newKin(guard.pid, program, group)}
}

func (*orphans) stop() {}

// kill ends them, and returns the program's status, which nobody learns any more, and what must not be killed.
func (o *orphans) kill() (program Status, left []int) {
	for round := 0; ; round++ {
		members, refused := o.kin.members(), []int(nil)
		for _, pid := range members {
			if syscall.Kill(pid, syscall.SIGKILL) == syscall.EPERM {
				refused = append(refused, pid)
			}
		}
		if len(members) == 0 || len(refused) == len(members) && round > giveUpAfter {
			return Status{signal: syscall.SIGKILL}, refused
		}
		time.Sleep(killEvery)
	}
}

// members are the live processes of the tree.
func (t *Tree) members() []int { return t.orphans.kin.members() }
