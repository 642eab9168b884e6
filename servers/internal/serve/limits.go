package serve

import (
	"time"

	"github.com/gorun-dev/gorun/servers/limits"
)

// Limits are what a connection may ask of the server.
type Limits = limits.Limits

// DataRate is a speed that a peer must keep up.
type DataRate = limits.DataRate

// tick is how often the limits on time are looked at: every second, as Kestrel does, or more often for shorter limits.
func tick(l *Limits) time.Duration {
	shortest := min(l.RequestHeadersTimeout, l.KeepAliveTimeout,
		l.MinRequestBodyDataRate.GracePeriod, l.MinResponseDataRate.GracePeriod)
	return max(min(time.Second, shortest/4), 5*time.Millisecond)
}
