// Package metrics is how a server tells its numbers, by the names that ASP.NET Core and OpenTelemetry use for them, so that
// dashboards made for Kestrel work: one interface, and the names, units and attributes that go through it.
//
// It keeps no numbers and sends none, and does not import OpenTelemetry: an app that wants the numbers implements Meter, in
// ten lines (the example shows them). A server without a Meter measures nothing.
//
// The package has no state; its functions may be called by several goroutines at once, and so must a Meter.
package metrics

import "log/slog"

// A Meter takes numbers. Both methods are called by several goroutines at once, in the middle of serving: they return soon,
// do not panic, and do not keep attrs, which the caller uses again. The keys of attrs are those of this package, and their
// values strings or integers.
type Meter interface {
	// Add changes the counter or up-down counter with that name by delta.
	Add(name string, delta int64, attrs ...slog.Attr)
	// Record puts value into the histogram with that name. Durations are in seconds.
	Record(name string, value float64, attrs ...slog.Attr)
}

// The names of the instruments. Instruments lists them with their units.
//
// Those of HTTP are told with url.scheme and http.request.method, the duration also with network.protocol.version and, where
// there is such a thing, http.response.status_code, http.route and error.type. Those of Kestrel are told with what Address
// gives; the durations have more, as it stands beside them.
// (OpenTelemetry, semantic conventions for HTTP metrics and for Kestrel metrics.)
const (
	RequestDuration      = "http.server.request.duration"
	ActiveRequests       = "http.server.active_requests"
	ActiveConnections    = "kestrel.active_connections"
	ConnectionDuration   = "kestrel.connection.duration" // network.protocol.name, network.protocol.version, tls.protocol.version, error.type
	RejectedConnections  = "kestrel.rejected_connections"
	QueuedConnections    = "kestrel.queued_connections"
	QueuedRequests       = "kestrel.queued_requests" // network.protocol.name, network.protocol.version
	UpgradedConnections  = "kestrel.upgraded_connections"
	TLSHandshakeDuration = "kestrel.tls_handshake.duration" // tls.protocol.version, error.type
	ActiveTLSHandshakes  = "kestrel.active_tls_handshakes"
)

// The keys of attributes.
const (
	KeyMethod          = "http.request.method"       // as Method gives it
	KeyScheme          = "url.scheme"                // http or https
	KeyStatus          = "http.response.status_code" // an integer; absent when no answer was sent
	KeyRoute           = "http.route"                // as Route gives it; absent when there is none
	KeyProtocolName    = "network.protocol.name"     // http; absent where the version alone says it
	KeyProtocolVersion = "network.protocol.version"  // as ProtocolVersion gives it
	KeyServerAddress   = "server.address"            // an IP address or the path of a unix socket
	KeyServerPort      = "server.port"               // an integer
	KeyTransport       = "network.transport"         // tcp, udp or unix
	KeyNetworkType     = "network.type"              // ipv4 or ipv6
	KeyTLSVersion      = "tls.protocol.version"      // as TLSVersion gives it
	KeyErrorType       = "error.type"                // absent when nothing went wrong
)

// Kind is how the numbers of an instrument add up.
type Kind int

const (
	Counter       Kind = iota // Add, never with a negative delta
	UpDownCounter             // Add, in both directions: what is there now
	Histogram                 // Record
)

// An Instrument is what an OpenTelemetry SDK wants to know to make one.
type Instrument struct {
	Name        string
	Kind        Kind
	Unit        string // in UCUM's notation: "s", "{request}"
	Description string
	Buckets     []float64 // advised boundaries of a histogram, in its unit; nil for counters
}

// Instruments gives every instrument of this package. The result is the caller's.
func Instruments() []Instrument {
	short := []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	long := []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}
	return []Instrument{
		{RequestDuration, Histogram, "s", "Duration of HTTP server requests.", short},
		{ActiveRequests, UpDownCounter, "{request}", "Number of active HTTP server requests.", nil},
		{ActiveConnections, UpDownCounter, "{connection}", "Number of connections that are currently active on the server.", nil},
		{ConnectionDuration, Histogram, "s", "The duration of connections on the server.", long},
		{RejectedConnections, Counter, "{connection}", "Number of connections rejected by the server.", nil},
		{QueuedConnections, UpDownCounter, "{connection}", "Number of connections that are currently queued and are waiting to start.", nil},
		{QueuedRequests, UpDownCounter, "{request}", "Number of HTTP requests on multiplexed connections (HTTP/2 and HTTP/3) that are currently queued and are waiting to start.", nil},
		{UpgradedConnections, UpDownCounter, "{connection}", "Number of connections that are currently upgraded (WebSockets).", nil},
		{TLSHandshakeDuration, Histogram, "s", "The duration of TLS handshakes on the server.", short},
		{ActiveTLSHandshakes, UpDownCounter, "{handshake}", "Number of TLS handshakes that are currently in progress on the server.", nil},
	}
}
