package settings

import (
	"math"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/servers/limits"
)

// Bounds of Kestrel (reference: servers.md, 3.1 and 3.2). A limit of type int ends where .NET's does.
var (
	positive       = bounds{min: 1, max: math.MaxInt32}
	positiveOrNull = bounds{min: 1, max: math.MaxInt64, orNull: true}
	zeroOrNull     = bounds{min: 0, max: math.MaxInt64, orNull: true}
	// With room for 0 bytes each Write waits until all is sent: so it does with room for 1.
	response = bounds{min: 0, max: math.MaxInt64, orNull: true, zero: 1}
	// No entry of HPACK's table is shorter than 32 bytes, so a table of 1 byte holds as few as one of 0.
	table  = bounds{min: 0, max: math.MaxInt32, zero: 1}
	frame  = bounds{min: 1 << 14, max: 1<<24 - 1}
	window = bounds{min: 1<<16 - 1, max: math.MaxInt32}
)

// heartbeat is how often Kestrel looks at its clock; a time that is counted so cannot be shorter.
const heartbeat = time.Second

func (r *reader) limits(l *limits.Limits) func(*node) {
	return func(n *node) {
		r.object(n,
			key{"MaxConcurrentConnections", number(r, &l.MaxConcurrentConnections, positiveOrNull)},
			key{"MaxConcurrentUpgradedConnections", number(r, &l.MaxConcurrentUpgradedConnections, zeroOrNull)},
			key{"MaxRequestBodySize", number(r, &l.MaxRequestBodySize, zeroOrNull)},
			key{"MinRequestBodyDataRate", r.rate(&l.MinRequestBodyDataRate)},
			key{"MinResponseDataRate", r.rate(&l.MinResponseDataRate)},
			key{"RequestHeadersTimeout", r.timeout(&l.RequestHeadersTimeout, tick)},
			key{"KeepAliveTimeout", r.timeout(&l.KeepAliveTimeout, tick)},
			key{"MaxRequestLineSize", number(r, &l.MaxRequestLineSize, positive)},
			key{"MaxRequestHeadersTotalSize", number(r, &l.MaxRequestHeadersTotalSize, positive)},
			key{"MaxRequestHeaderCount", number(r, &l.MaxRequestHeaderCount, positive)},
			key{"MaxResponseBufferSize", number(r, &l.MaxResponseBufferSize, response)},
			key{"MaxRequestBufferSize", number(r, &l.MaxRequestBufferSize, positiveOrNull)},
			key{"Http2", r.http2(&l.HTTP2)},
			key{"Http3", r.http3(&l.HTTP3)},
		)
		r.checkBuffer(n, l.Effective())
	}
}

func (r *reader) http2(l *limits.HTTP2) func(*node) {
	return func(n *node) {
		r.object(n,
			key{"MaxStreamsPerConnection", number(r, &l.MaxStreamsPerConnection, positive)},
			key{"HeaderTableSize", number(r, &l.HeaderTableSize, table)},
			key{"MaxFrameSize", number(r, &l.MaxFrameSize, frame)},
			key{"MaxRequestHeaderFieldSize", number(r, &l.MaxRequestHeaderFieldSize, positive)},
			key{"InitialConnectionWindowSize", number(r, &l.InitialConnectionWindowSize, window)},
			key{"InitialStreamWindowSize", number(r, &l.InitialStreamWindowSize, window)},
			key{"KeepAlivePingDelay", r.timeout(&l.KeepAlivePingDelay, heartbeat)},
			key{"KeepAlivePingTimeout", r.timeout(&l.KeepAlivePingTimeout, heartbeat)},
		)
	}
}

func (r *reader) http3(l *limits.HTTP3) func(*node) {
	return func(n *node) {
		r.object(n, key{"MaxRequestHeaderFieldSize", number(r, &l.MaxRequestHeaderFieldSize, positive)})
	}
}

// rate reads a DataRate. null is no limit, unless a later source has keys for it.
func (r *reader) rate(to *limits.DataRate) func(*node) {
	return func(n *node) {
		if n.kind != unsaid && n.text == "" && !n.continued() {
			to.BytesPerSecond = -1
			return
		}
		r.object(n, key{"BytesPerSecond", r.bytesPerSecond(&to.BytesPerSecond)}, key{"GracePeriod", r.gracePeriod(&to.GracePeriod)})
	}
}

func (r *reader) bytesPerSecond(to *float64) func(*node) {
	return func(n *node) {
		if !r.isScalar(n) {
			return
		}
		f, ok := parseFloat(n.text)
		if !ok || f <= 0 {
			r.fail(n, "write null in place of the object for no limit", "it must be a number above 0, not %q", n.text)
		}
		*to = f
	}
}

func (r *reader) gracePeriod(to *time.Duration) func(*node) {
	return func(n *node) {
		d, ok := r.timeSpan(n, "leave it out for the default")
		if ok && (d <= heartbeat || d == math.MaxInt64) {
			r.fail(n, "", "it must be more than %v and less than 292 years, not %q", heartbeat, n.text)
		}
		*to = d
	}
}

// continued reports whether a key below n has a value that came later than that of n.
func (n *node) continued() bool {
	return slices.ContainsFunc(n.children, func(c *node) bool { return n.value.before(c.value) })
}

// checkBuffer holds that a request line and the headers fit into the buffer, as Kestrel demands at its start.
func (r *reader) checkBuffer(n *node, l limits.Limits) {
	buffer := n.child("MaxRequestBufferSize")
	check := func(name string, size int) {
		at := buffer
		if at == nil {
			at = n.child(name)
		}
		if at != nil && int64(size) > l.MaxRequestBufferSize {
			r.fail(at, "", "MaxRequestBufferSize, %d, is less than %s, %d", l.MaxRequestBufferSize, name, size)
		}
	}
	check("MaxRequestLineSize", l.MaxRequestLineSize)
	check("MaxRequestHeadersTotalSize", l.MaxRequestHeadersTotalSize)
}
