package kestrel

import (
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// http3Streams is how many requests a client may have at once (msquic's and Kestrel's number). quic-go gives leave for
	// one more when a stream has ended, and an http3Conn keeps the number of handlers to it also for a client that resets
	// its requests as soon as it has sent them.
	http3Streams = 100
	// http3UniStreams: a client has a control stream and two of QPACK, and may open some of a kind that is ignored (RFC 9114, 6.2).
	http3UniStreams = 10
	// quicHandshakeTimeout is half of Kestrel's 10 s (reference: servers.md, 3.1), because quic-go gives the whole handshake
	// twice the time that it waits for a single packet.
	quicHandshakeTimeout = 5 * time.Second
	// quicForever is for limits that are none: quic-go adds it to the time of day.
	quicForever = 24 * time.Hour
)

// quicConfig is how QUIC is spoken.
//
// 0-RTT is off. What comes in it may be a copy that somebody else sends again (RFC 8446, 8), so only requests that
// change nothing may be answered, and neither net/http's handlers nor Kestrel's know of the difference. For the same
// reason the listener is not an early one: no handler runs before the client has shown its certificate.
func quicConfig(l *Limits) *quic.Config {
	window := uint64(max(l.MaxRequestBufferSize, 64<<10))
	first := min(window, 512<<10) // quic-go's own, which grows with the speed of the path
	return &quic.Config{
		Allow0RTT:                      false,
		HandshakeIdleTimeout:           quicHandshakeTimeout,
		MaxIdleTimeout:                 min(l.KeepAliveTimeout, quicForever),
		MaxIncomingStreams:             http3Streams,
		MaxIncomingUniStreams:          http3UniStreams,
		InitialStreamReceiveWindow:     first,
		MaxStreamReceiveWindow:         window,
		InitialConnectionReceiveWindow: first + first/2, // a body that nobody reads leaves something to the other requests
		MaxConnectionReceiveWindow:     window + window/2,
	}
}
