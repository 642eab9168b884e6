//go:build !unix && !windows

package httpsys

import (
	"context"
	"errors"
	"fmt"
)

func (s *Server) serve(context.Context, []registration, func([]string)) error {
	return fmt.Errorf("HTTP.sys is not there, and neither is gorun's broker: %w", errors.ErrUnsupported)
}
