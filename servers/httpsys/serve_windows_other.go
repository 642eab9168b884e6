//go:build windows && !amd64 && !arm64

package httpsys

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

func (s *Server) serve(context.Context, []registration, func([]string)) error {
	return fmt.Errorf("HTTP.sys is reached from 64-bit programs alone, and this one is windows/%s: %w", runtime.GOARCH, errors.ErrUnsupported)
}
