package cache

import (
	"net/http"
	"time"
)

// Lifetime gives how long the answer to r may be kept for everybody: 0 is not at all. It is for a server whose cache is
// elsewhere, in the kernel for example.
func Lifetime(r *http.Request, status int, h http.Header, now time.Time) time.Duration {
	if r.Method != http.MethodGet || !mayUse(r) {
		return 0
	}
	return lifetime(status, h, now)
}
