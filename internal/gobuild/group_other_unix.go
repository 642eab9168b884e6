//go:build unix && !linux

package gobuild

import "syscall"

// endWithParent has no means here: the go command of a killed gorun finishes its build, in a folder of its own.
func endWithParent(*syscall.SysProcAttr) {}
