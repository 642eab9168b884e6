package accesslog

import (
	"log/slog"
	"sync"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Metrics tells m the two numbers of each request: metrics.ActiveRequests while it runs and metrics.RequestDuration at its end.
// Their attributes are those of ASP.NET Core; error.type is "panic", or a status of 500 and above. The host that a client
// asks for is none of them: clients could make up as many as they like. A nil m makes a Log that does nothing.
func Metrics(m metrics.Meter) Log {
	if m == nil {
		return Log{}
	}
	k := &counter{meter: m, rooms: sync.Pool{New: func() any { return new([6]slog.Attr) }}}
	return Log{exchange.Listener{Begin: k.begin, End: k.end}}
}

type counter struct {
	meter metrics.Meter
	rooms sync.Pool // of arrays for attributes: a Meter does not keep them
}

func (k *counter) begin(e *exchange.Exchange) {
	room := k.rooms.Get().(*[6]slog.Attr)
	defer k.rooms.Put(room)
	k.meter.Add(metrics.ActiveRequests, 1, identity(room[:0], e)...)
}

func (k *counter) end(e *exchange.Exchange) {
	room := k.rooms.Get().(*[6]slog.Attr)
	defer k.rooms.Put(room)
	a := attrs(identity(room[:0], e))
	k.meter.Add(metrics.ActiveRequests, -1, a...)
	a.text(metrics.KeyProtocolVersion, metrics.ProtocolVersion(e.Proto))
	a.text(metrics.KeyRoute, metrics.Route(e.Route))
	if e.Status != 0 {
		a = append(a, slog.Int(metrics.KeyStatus, e.Status))
	}
	a.text(metrics.KeyErrorType, errorType(e))
	k.meter.Record(metrics.RequestDuration, e.Duration.Seconds(), a...)
}

// identity gives what is alike at the begin and the end of a request: what goes up must come down.
func identity(a []slog.Attr, e *exchange.Exchange) []slog.Attr {
	return append(a, slog.String(metrics.KeyMethod, metrics.Method(e.Method)), slog.String(metrics.KeyScheme, e.Scheme))
}
