//go:build !linux && !darwin

package broker

import (
	"context"
	"errors"
)

// Run is errors.ErrUnsupported: the system has HTTP.sys, or nothing that could take its place.
func Run(context.Context, Options, func()) error { return errors.ErrUnsupported }
