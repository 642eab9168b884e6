package serve

import (
	"math"
	"time"
)

// Limits are what a connection may ask of the server (reference: servers.md, 3.1). In every field 0 is Kestrel's default
// and a negative number is no limit, so the zero value is Kestrel.
type Limits struct {
	// MaxConcurrentConnections is how many connections may be open that were not upgraded. One more is closed without an
	// answer. Default: no limit.
	MaxConcurrentConnections int64
	// MaxConcurrentUpgradedConnections is how many connections handlers may have hijacked. At the limit Hijack returns
	// ErrUpgradeLimit. Default: no limit.
	MaxConcurrentUpgradedConnections int64
	// MaxRequestBodySize is in bytes; the framing of a chunked body counts, its trailers do not. A handler that reads a
	// longer body gets an error, the client 413. Default: 30,000,000. A handler may change it for its request: FromContext.
	MaxRequestBodySize int64
	// MinRequestBodyDataRate is how fast a body must come, on average over the time that the server waits for it. A slower
	// one is answered with 408, or cut off when the response has begun. Default: 240 bytes a second after 5 seconds.
	MinRequestBodyDataRate DataRate
	// MinResponseDataRate is how fast a client must take the response. A slower one is cut off. Default as above.
	MinResponseDataRate DataRate
	// RequestHeadersTimeout is from the first byte of a head to its last; the answer is 408. Default: 30 s.
	RequestHeadersTimeout time.Duration
	// KeepAliveTimeout is how long a connection may wait for a request; then it is closed without an answer. Default: 130 s.
	KeepAliveTimeout time.Duration
	// MaxRequestLineSize is in bytes with the line's end; the answer is 414. Default: 8,192.
	MaxRequestLineSize int
	// MaxRequestHeadersTotalSize is in bytes with the lines' ends, without the empty line; the answer is 431. Trailers are
	// measured by themselves. Default: 32,768.
	MaxRequestHeadersTotalSize int
	// MaxRequestHeaderCount is how many field lines a head and its trailers may have; the answer is 431. Default: 100.
	MaxRequestHeaderCount int
}

// DataRate is a speed that a peer must keep up. The zero value is the default, a negative BytesPerSecond is no limit.
type DataRate struct {
	BytesPerSecond float64
	GracePeriod    time.Duration // 0 is 5 s; nobody is cut off earlier
}

// Defaults gives Kestrel's limits (reference: servers.md, 3.1).
func Defaults() Limits {
	rate := DataRate{BytesPerSecond: 240, GracePeriod: 5 * time.Second}
	return Limits{
		MaxConcurrentConnections:         -1,
		MaxConcurrentUpgradedConnections: -1,
		MaxRequestBodySize:               30_000_000,
		MinRequestBodyDataRate:           rate,
		MinResponseDataRate:              rate,
		RequestHeadersTimeout:            30 * time.Second,
		KeepAliveTimeout:                 130 * time.Second,
		MaxRequestLineSize:               8_192,
		MaxRequestHeadersTotalSize:       32_768,
		MaxRequestHeaderCount:            100,
	}
}

// Effective has the defaults filled in, and for no limit a number that is never reached.
func (l Limits) Effective() Limits {
	d := Defaults()
	return Limits{
		MaxConcurrentConnections:         limit(l.MaxConcurrentConnections, d.MaxConcurrentConnections, math.MaxInt64),
		MaxConcurrentUpgradedConnections: limit(l.MaxConcurrentUpgradedConnections, d.MaxConcurrentUpgradedConnections, math.MaxInt64),
		MaxRequestBodySize:               limit(l.MaxRequestBodySize, d.MaxRequestBodySize, math.MaxInt64),
		MinRequestBodyDataRate:           l.MinRequestBodyDataRate.effective(d.MinRequestBodyDataRate),
		MinResponseDataRate:              l.MinResponseDataRate.effective(d.MinResponseDataRate),
		RequestHeadersTimeout:            limit(l.RequestHeadersTimeout, d.RequestHeadersTimeout, math.MaxInt64),
		KeepAliveTimeout:                 limit(l.KeepAliveTimeout, d.KeepAliveTimeout, math.MaxInt64),
		MaxRequestLineSize:               limit(l.MaxRequestLineSize, d.MaxRequestLineSize, math.MaxInt32),
		MaxRequestHeadersTotalSize:       limit(l.MaxRequestHeadersTotalSize, d.MaxRequestHeadersTotalSize, math.MaxInt32),
		MaxRequestHeaderCount:            limit(l.MaxRequestHeaderCount, d.MaxRequestHeaderCount, math.MaxInt32),
	}
}

func limit[T ~int | ~int64](n, byDefault, none T) T {
	if n == 0 {
		n = byDefault
	}
	if n < 0 {
		return none
	}
	return n
}

// effective gives 0 bytes a second for no limit.
func (r DataRate) effective(byDefault DataRate) DataRate {
	switch {
	case r.BytesPerSecond == 0:
		r.BytesPerSecond = byDefault.BytesPerSecond
	case r.BytesPerSecond < 0:
		r.BytesPerSecond = 0
	}
	if r.GracePeriod <= 0 {
		r.GracePeriod = byDefault.GracePeriod
	}
	return r
}

// allowance is how long n bytes may take at the least speed, without the grace period.
func (r DataRate) allowance(n int64) time.Duration {
	seconds := float64(n) / r.BytesPerSecond
	if seconds > float64(math.MaxInt64)/4/float64(time.Second) {
		return math.MaxInt64 / 4
	}
	return time.Duration(seconds * float64(time.Second))
}

// tick is how often the limits on time are looked at: every second, as Kestrel does, or more often for shorter limits.
func (l Limits) tick() time.Duration {
	shortest := min(l.RequestHeadersTimeout, l.KeepAliveTimeout,
		l.MinRequestBodyDataRate.GracePeriod, l.MinResponseDataRate.GracePeriod)
	return max(min(time.Second, shortest/4), 5*time.Millisecond)
}
