package httpsys

import (
	"fmt"
	"time"
)

// CutOffError says that requests were still running at the end.
type CutOffError struct{ Timeout time.Duration }

func (e *CutOffError) Error() string {
	return fmt.Sprintf("requests were still running after %v and were cut off", e.Timeout)
}
