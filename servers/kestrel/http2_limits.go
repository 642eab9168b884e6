package kestrel

import (
	"math"
	"net/http"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// The ranges of RFC 9113, 6.5.2. net/http takes a number outside of them for none and puts its own in its place, which
// is more than was allowed.
const (
	minFrameSize = 1 << 14
	maxFrameSize = 1<<24 - 1
	minWindow    = 1<<16 - 1
)

// http2Config has net/http keep limits that are effective (reference: servers.md, 3.2).
func http2Config(l *Limits) *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          l.HTTP2.MaxStreamsPerConnection,
		MaxReadFrameSize:              min(max(l.HTTP2.MaxFrameSize, minFrameSize), maxFrameSize),
		MaxDecoderHeaderTableSize:     l.HTTP2.HeaderTableSize,
		MaxReceiveBufferPerConnection: max(l.HTTP2.InitialConnectionWindowSize, minWindow),
		MaxReceiveBufferPerStream:     max(l.HTTP2.InitialStreamWindowSize, minWindow),
		SendPingTimeout:               orNever(l.HTTP2.KeepAlivePingDelay),
		PingTimeout:                   l.HTTP2.KeepAlivePingTimeout,
		// Not WriteByteTimeout: it sets two deadlines for each write, a tenth of the time that a small request takes. The
		// heartbeat does its work.
	}
}

// orNever gives 0, which is never to net/http, for a time that never comes.
func orNever(d time.Duration) time.Duration {
	if d == math.MaxInt64 {
		return 0
	}
	return d
}

// http2HeaderBytes is what makes net/http announce n as SETTINGS_MAX_HEADER_LIST_SIZE, as Kestrel does: it adds 320. Both
// then count 32 bytes more for each field than its name and value have (RFC 9113, 6.5.2).
func http2HeaderBytes(n int) int { return max(n-10*32, 1) }

// tooManyFields reports whether a head has more, or longer, fields than are allowed. Their total has been kept by net/http,
// which has also joined the parts of a Cookie.
func (h *http2) tooManyFields(header http.Header) bool {
	n, longest := 0, 0
	for name, values := range header {
		n += len(values)
		for _, value := range values {
			longest = max(longest, len(name)+len(value))
		}
	}
	return n > h.limits.MaxRequestHeaderCount || longest > h.limits.HTTP2.MaxRequestHeaderFieldSize
}

// isAcceptable holds what Kestrel asks of a request and net/http does not (Kestrel's Http2Stream.TryValidatePseudoHeaders): the
// host is one, the path is a path, or * for OPTIONS. A CONNECT has none. The scheme may be the other one, which Kestrel does not take: no
// handler sees it, Request.TLS is that of the connection.
func isAcceptable(r *http.Request) bool {
	if r.Host != "" && !serve.IsHost(r.Host) {
		return false
	}
	return r.Method == http.MethodConnect || r.RequestURI[0] == '/' || r.RequestURI == "*" && r.Method == http.MethodOptions
}
