// Package limits holds what a server puts up with from its clients, as plain values with Kestrel's names and defaults.
//
// It enforces nothing: package kestrel does. All values may be copied, compared and used from several goroutines.
package limits

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
	// MaxConcurrentUpgradedConnections is how many connections handlers may have hijacked. At the limit Hijack returns an
	// error. Default: no limit.
	MaxConcurrentUpgradedConnections int64
	// MaxRequestBodySize is in bytes; the framing of a chunked body counts, its trailers do not. A handler that reads a
	// longer body gets an error, the client 413. Default: 30,000,000. A handler may change it for its request.
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
	// MaxResponseBufferSize is how many bytes of a response may wait in the server; then the handler's Write waits for the
	// client. 1 sends each Write at once. Default: 65,536, of which 4,096 are used.
	MaxResponseBufferSize int64
	// MaxRequestBufferSize is how many bytes of a request are read before the handler asks for them. Default: 1,048,576, of
	// which 4,096 are used in HTTP/1.x; in HTTP/2 and HTTP/3 the windows say how much it is.
	MaxRequestBufferSize int64

	HTTP2 HTTP2
	HTTP3 HTTP3
}

// HTTP2 are limits for connections that speak HTTP/2 (reference: servers.md, 3.2). Times that are negative are never.
type HTTP2 struct {
	MaxStreamsPerConnection     int           // requests at once; one more is refused with REFUSED_STREAM. Default: 100
	HeaderTableSize             int           // of the HPACK decoder, in bytes. Default: 4,096
	MaxFrameSize                int           // in bytes, 16,384 to 16,777,215. Default: 16,384
	MaxRequestHeaderFieldSize   int           // one field, name and value, in bytes. Default: 32,768
	InitialConnectionWindowSize int           // in bytes, from 65,535. Default: 1 MiB
	InitialStreamWindowSize     int           // in bytes, from 65,535. Default: 768 KiB
	KeepAlivePingDelay          time.Duration // quiet time after which a PING asks whether the client is there. Default: never
	KeepAlivePingTimeout        time.Duration // how long its answer may take. Default: 20 s
}

// HTTP3 are limits for connections that speak HTTP/3 (reference: servers.md, 3.2).
type HTTP3 struct {
	MaxRequestHeaderFieldSize int // one field, name and value, in bytes. Default: 32,768
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
		MaxResponseBufferSize:            65_536,
		MaxRequestBufferSize:             1 << 20,
		HTTP2: HTTP2{
			MaxStreamsPerConnection: 100, HeaderTableSize: 4_096, MaxFrameSize: 16_384, MaxRequestHeaderFieldSize: 32_768,
			InitialConnectionWindowSize: 1 << 20, InitialStreamWindowSize: 768 << 10,
			KeepAlivePingDelay: -1, KeepAlivePingTimeout: 20 * time.Second,
		},
		HTTP3: HTTP3{MaxRequestHeaderFieldSize: 32_768},
	}
}

// Effective has the defaults filled in, and for no limit a number that is never reached.
func (l Limits) Effective() Limits {
	d := Defaults()
	return Limits{
		MaxConcurrentConnections:         limit(l.MaxConcurrentConnections, d.MaxConcurrentConnections, math.MaxInt64),
		MaxConcurrentUpgradedConnections: limit(l.MaxConcurrentUpgradedConnections, d.MaxConcurrentUpgradedConnections, math.MaxInt64),
		MaxRequestBodySize:               limit(l.MaxRequestBodySize, d.MaxRequestBodySize, math.MaxInt64),
		MinRequestBodyDataRate:           l.MinRequestBodyDataRate.Effective(d.MinRequestBodyDataRate),
		MinResponseDataRate:              l.MinResponseDataRate.Effective(d.MinResponseDataRate),
		RequestHeadersTimeout:            limit(l.RequestHeadersTimeout, d.RequestHeadersTimeout, math.MaxInt64),
		KeepAliveTimeout:                 limit(l.KeepAliveTimeout, d.KeepAliveTimeout, math.MaxInt64),
		MaxRequestLineSize:               limit(l.MaxRequestLineSize, d.MaxRequestLineSize, math.MaxInt32),
		MaxRequestHeadersTotalSize:       limit(l.MaxRequestHeadersTotalSize, d.MaxRequestHeadersTotalSize, math.MaxInt32),
		MaxRequestHeaderCount:            limit(l.MaxRequestHeaderCount, d.MaxRequestHeaderCount, math.MaxInt32),
		MaxResponseBufferSize:            limit(l.MaxResponseBufferSize, d.MaxResponseBufferSize, math.MaxInt64),
		MaxRequestBufferSize:             limit(l.MaxRequestBufferSize, d.MaxRequestBufferSize, math.MaxInt64),
		HTTP2:                            l.HTTP2.effective(d.HTTP2),
		HTTP3:                            HTTP3{limit(l.HTTP3.MaxRequestHeaderFieldSize, d.HTTP3.MaxRequestHeaderFieldSize, math.MaxInt32)},
	}
}

func (l HTTP2) effective(d HTTP2) HTTP2 {
	return HTTP2{
		MaxStreamsPerConnection:     limit(l.MaxStreamsPerConnection, d.MaxStreamsPerConnection, math.MaxInt32),
		HeaderTableSize:             limit(l.HeaderTableSize, d.HeaderTableSize, math.MaxInt32),
		MaxFrameSize:                limit(l.MaxFrameSize, d.MaxFrameSize, 1<<24-1),
		MaxRequestHeaderFieldSize:   limit(l.MaxRequestHeaderFieldSize, d.MaxRequestHeaderFieldSize, math.MaxInt32),
		InitialConnectionWindowSize: limit(l.InitialConnectionWindowSize, d.InitialConnectionWindowSize, math.MaxInt32),
		InitialStreamWindowSize:     limit(l.InitialStreamWindowSize, d.InitialStreamWindowSize, math.MaxInt32),
		KeepAlivePingDelay:          limit(l.KeepAlivePingDelay, d.KeepAlivePingDelay, math.MaxInt64),
		KeepAlivePingTimeout:        limit(l.KeepAlivePingTimeout, d.KeepAlivePingTimeout, math.MaxInt64),
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

// Effective has the defaults filled in, and 0 bytes a second for no limit.
func (r DataRate) Effective(byDefault DataRate) DataRate {
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

// Allowance is how long n bytes may take at the least speed, without the grace period. The rate must not be 0.
func (r DataRate) Allowance(n int64) time.Duration {
	seconds := float64(n) / r.BytesPerSecond
	if seconds > float64(math.MaxInt64)/4/float64(time.Second) {
		return math.MaxInt64 / 4
	}
	return time.Duration(seconds * float64(time.Second))
}

// Or gives l with what it does not say (its zero fields) taken from other.
func (l Limits) Or(other Limits) Limits {
	or(&l.MaxConcurrentConnections, other.MaxConcurrentConnections)
	or(&l.MaxConcurrentUpgradedConnections, other.MaxConcurrentUpgradedConnections)
	or(&l.MaxRequestBodySize, other.MaxRequestBodySize)
	or(&l.MinRequestBodyDataRate, other.MinRequestBodyDataRate)
	or(&l.MinResponseDataRate, other.MinResponseDataRate)
	or(&l.RequestHeadersTimeout, other.RequestHeadersTimeout)
	or(&l.KeepAliveTimeout, other.KeepAliveTimeout)
	or(&l.MaxRequestLineSize, other.MaxRequestLineSize)
	or(&l.MaxRequestHeadersTotalSize, other.MaxRequestHeadersTotalSize)
	or(&l.MaxRequestHeaderCount, other.MaxRequestHeaderCount)
	or(&l.MaxResponseBufferSize, other.MaxResponseBufferSize)
	or(&l.MaxRequestBufferSize, other.MaxRequestBufferSize)
	or(&l.HTTP2.MaxStreamsPerConnection, other.HTTP2.MaxStreamsPerConnection)
	or(&l.HTTP2.HeaderTableSize, other.HTTP2.HeaderTableSize)
	or(&l.HTTP2.MaxFrameSize, other.HTTP2.MaxFrameSize)
	or(&l.HTTP2.MaxRequestHeaderFieldSize, other.HTTP2.MaxRequestHeaderFieldSize)
	or(&l.HTTP2.InitialConnectionWindowSize, other.HTTP2.InitialConnectionWindowSize)
	or(&l.HTTP2.InitialStreamWindowSize, other.HTTP2.InitialStreamWindowSize)
	or(&l.HTTP2.KeepAlivePingDelay, other.HTTP2.KeepAlivePingDelay)
	or(&l.HTTP2.KeepAlivePingTimeout, other.HTTP2.KeepAlivePingTimeout)
	or(&l.HTTP3.MaxRequestHeaderFieldSize, other.HTTP3.MaxRequestHeaderFieldSize)
	return l
}

func or[T comparable](field *T, other T) {
	var zero T
	if *field == zero {
		*field = other
	}
}
