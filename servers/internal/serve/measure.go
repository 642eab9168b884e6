package serve

import (
	"log/slog"
	"net"
	"time"

	"github.com/gorun-dev/gorun/servers/metrics"
)

// measure is what is told about one connection. Nil is for a server without a Meter: nothing is measured then.
type measure struct {
	meter  metrics.Meter
	attrs  []slog.Attr // which socket it came in by
	opened time.Time
	extra  []slog.Attr // protocol and TLS, as far as they are known
}

// measured begins to measure a connection that was accepted.
func (k *core) measured(c net.Conn) *measure {
	meter := k.server.Meter
	if meter == nil {
		return nil
	}
	m := &measure{meter: meter, attrs: metrics.Address(c.LocalAddr()), opened: time.Now()}
	meter.Add(metrics.ActiveConnections, 1, m.attrs...)
	return m
}

// rejected counts a connection that was one too many.
func (k *core) rejected(c net.Conn) {
	if meter := k.server.Meter; meter != nil {
		meter.Add(metrics.RejectedConnections, 1, metrics.Address(c.LocalAddr())...)
	}
}

func (m *measure) with(extra ...slog.Attr) []slog.Attr {
	return append(append([]slog.Attr{}, m.attrs...), extra...)
}

// handshake measures one; the function that it returns is called at its end.
func (m *measure) handshake() (end func(version uint16, err error)) {
	if m == nil {
		return func(uint16, error) {}
	}
	began := time.Now()
	m.meter.Add(metrics.ActiveTLSHandshakes, 1, m.attrs...)
	return func(version uint16, err error) {
		m.meter.Add(metrics.ActiveTLSHandshakes, -1, m.attrs...)
		var attrs []slog.Attr
		if err != nil {
			attrs = m.with(slog.String(metrics.KeyErrorType, "tls_handshake"))
		} else {
			m.extra = append(m.extra, slog.String(metrics.KeyTLSVersion, metrics.TLSVersion(version)))
			attrs = m.with(m.extra...)
		}
		m.meter.Record(metrics.TLSHandshakeDuration, time.Since(began).Seconds(), attrs...)
	}
}

// speaks notes the version of HTTP.
func (m *measure) speaks(version string) {
	if m != nil {
		m.extra = append(m.extra, slog.String(metrics.KeyProtocolName, "http"), slog.String(metrics.KeyProtocolVersion, version))
	}
}

// closed ends it.
func (m *measure) closed(err error) {
	if m == nil {
		return
	}
	m.meter.Add(metrics.ActiveConnections, -1, m.attrs...)
	extra := m.extra
	if err != nil {
		extra = append(extra, slog.String(metrics.KeyErrorType, "refused"))
	}
	m.meter.Record(metrics.ConnectionDuration, time.Since(m.opened).Seconds(), m.with(extra...)...)
}

// upgraded counts by how much there are more connections that handlers have taken over.
func (m *measure) upgraded(delta int64) {
	if m != nil {
		m.meter.Add(metrics.UpgradedConnections, delta, m.attrs...)
	}
}
