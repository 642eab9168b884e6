//go:build unix

package main

import "syscall"

// ownSession has a process leave the session, the process group and the terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
