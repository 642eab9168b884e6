package broker

import "golang.org/x/sys/unix"

// descriptorFolder lists the descriptors of this process.
const descriptorFolder = "/dev/fd"

func dup2(from, to int) error { return unix.Dup2(from, to) }
