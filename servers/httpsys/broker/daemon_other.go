//go:build !linux && !darwin

package broker

import (
	"errors"
	"os"
)

func (*Launcher) fork(*os.File) (*os.Process, error) { return nil, errors.ErrUnsupported }

func reap(*os.Process) bool { return true }

// Alone does nothing where there are no brokers.
func Alone() error { return nil }

// Settle does nothing where there are no brokers.
func Settle(string) error { return nil }
