package gobuild

import "syscall"

// endWithParent interrupts the go command when this process ends, also when that is killed. The kernel takes the
// thread that starts a process for its parent, see runTool.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
