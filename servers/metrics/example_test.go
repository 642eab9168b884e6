package metrics_test

import (
	"fmt"
	"log/slog"

	"github.com/gorun-dev/gorun/servers/metrics"
)

// To OpenTelemetry it is these lines, with go.opentelemetry.io/otel/metric and .../attribute; the meter is
// otel.Meter("Microsoft.AspNetCore.Server.Kestrel"), for dashboards that look for that name:
//
//	type adder interface { // Int64Counter and Int64UpDownCounter
//		Add(ctx context.Context, incr int64, options ...metric.AddOption)
//	}
//	type otelMeter struct {
//		adders     map[string]adder
//		histograms map[string]metric.Float64Histogram
//	}
//
//	func newMeter(m metric.Meter) (metrics.Meter, error) {
//		o := otelMeter{map[string]adder{}, map[string]metric.Float64Histogram{}}
//		var err, failed error
//		for _, i := range metrics.Instruments() {
//			unit, text := metric.WithUnit(i.Unit), metric.WithDescription(i.Description)
//			switch i.Kind {
//			case metrics.Histogram:
//				o.histograms[i.Name], failed = m.Float64Histogram(i.Name, unit, text, metric.WithExplicitBucketBoundaries(i.Buckets...))
//			case metrics.UpDownCounter:
//				o.adders[i.Name], failed = m.Int64UpDownCounter(i.Name, unit, text)
//			default:
//				o.adders[i.Name], failed = m.Int64Counter(i.Name, unit, text)
//			}
//			err = errors.Join(err, failed)
//		}
//		return o, err
//	}
//
//	func (o otelMeter) Add(name string, delta int64, attrs ...slog.Attr) {
//		o.adders[name].Add(context.Background(), delta, metric.WithAttributes(keyValues(attrs)...))
//	}
//
//	func (o otelMeter) Record(name string, value float64, attrs ...slog.Attr) {
//		o.histograms[name].Record(context.Background(), value, metric.WithAttributes(keyValues(attrs)...))
//	}
//
//	func keyValues(attrs []slog.Attr) []attribute.KeyValue {
//		all := make([]attribute.KeyValue, len(attrs))
//		for i, a := range attrs {
//			if a.Value.Kind() == slog.KindInt64 {
//				all[i] = attribute.Int64(a.Key, a.Value.Int64())
//			} else {
//				all[i] = attribute.String(a.Key, a.Value.String())
//			}
//		}
//		return all
//	}
//
// The example itself prints what it is told.
func Example() {
	var m metrics.Meter = printer{}
	request := []slog.Attr{slog.String(metrics.KeyMethod, metrics.Method("BREW")), slog.String(metrics.KeyScheme, "https")}
	m.Add(metrics.ActiveRequests, 1, request...)
	m.Add(metrics.ActiveRequests, -1, request...)
	m.Record(metrics.RequestDuration, 0.25, append(request, slog.String(metrics.KeyRoute, metrics.Route("GET example.com/items/{id}")))...)
	// Output:
	// http.server.active_requests +1 [http.request.method=_OTHER url.scheme=https]
	// http.server.active_requests -1 [http.request.method=_OTHER url.scheme=https]
	// http.server.request.duration 0.25s [http.request.method=_OTHER url.scheme=https http.route=/items/{id}]
}

type printer struct{}

func (printer) Add(name string, delta int64, attrs ...slog.Attr) {
	fmt.Printf("%s %+d %v\n", name, delta, attrs)
}

func (printer) Record(name string, value float64, attrs ...slog.Attr) {
	fmt.Printf("%s %gs %v\n", name, value, attrs)
}
