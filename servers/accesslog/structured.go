package accesslog

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Extra is something that Slog and JSON log only when they are asked to, because it may hold secrets.
type Extra string

const (
	Query  Extra = "url.query"                  // the request's query, and that of the referer
	Cookie Extra = "http.request.header.cookie" // all cookies of the request
)

// Slog logs each request to l, at level Info with the message "request". The attributes have OpenTelemetry's names:
//
//	http.request.method              a well-known method or "_OTHER", then with http.request.method_original
//	url.scheme, url.path             the path as it was sent, with its escapes
//	server.address, server.port      the host that was asked for; the port when it was named
//	client.address, client.port      the other end of the connection
//	network.protocol.version         "1.0", "1.1", "2" or "3"
//	http.route                       the pattern of the http.ServeMux, without method and host
//	http.response.status_code
//	http.request.body.size           bytes that the handler has read
//	http.response.body.size
//	http.server.request.duration     seconds
//	user_agent.original
//	http.request.header.referer      without query and fragment
//	error.type                       "panic", or a status of 500 and above
//
// What is not known is left out. The time of a record is the end of the request. Handlers of l get the context of the
// request. A nil l is slog.Default as it is at this call.
func Slog(l *slog.Logger, extra ...Extra) Log {
	if l == nil {
		l = slog.Default()
	}
	s := newStructured(extra)
	return Log{exchange.Listener{End: func(e *exchange.Exchange) {
		ctx := context.WithoutCancel(e.Request.Context()) // a client that has gone is no reason not to log
		h := l.Handler()
		if !h.Enabled(ctx, slog.LevelInfo) {
			return
		}
		room := rooms.Get().(*[maxAttributes]slog.Attr)
		defer rooms.Put(room)
		record := slog.NewRecord(ended(e), slog.LevelInfo, "request", 0)
		record.AddAttrs(s.attributes(room[:0], e)...)
		_ = h.Handle(ctx, record) // slog.Logger has no use for the error either
	}}}
}

// structured knows which attributes there are.
type structured struct{ query, cookie bool }

func newStructured(extra []Extra) structured {
	var s structured
	for _, x := range extra {
		s.query = s.query || x == Query
		s.cookie = s.cookie || x == Cookie
	}
	return s
}

func (s structured) attributes(a attrs, e *exchange.Exchange) attrs {
	a.asked(e)
	if s.query {
		a.text(string(Query), e.Query)
	}
	a.answered(e)
	a.text("user_agent.original", e.UserAgent)
	a.text("http.request.header.referer", s.referer(e.Referer))
	if s.cookie {
		a.text(string(Cookie), strings.Join(e.Request.Header["Cookie"], "; "))
	}
	return a
}

// referer drops what may be secret. What cannot be read as a URL is dropped whole.
func (s structured) referer(referer string) string {
	if s.query || referer == "" {
		return referer
	}
	u, err := url.Parse(referer)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

func ended(e *exchange.Exchange) time.Time { return e.Start.Add(e.Duration) }

// maxAttributes is as many as there can be; more would only cost time.
const maxAttributes = 20

// rooms are arrays for attributes, which nobody keeps: a slog.Record and a line of JSON have copies.
var rooms = sync.Pool{New: func() any { return new([maxAttributes]slog.Attr) }}

type attrs []slog.Attr

// text adds a value that may be missing.
func (a *attrs) text(key, value string) {
	if value != "" {
		*a = append(*a, slog.String(key, value))
	}
}

func (a *attrs) port(key, port string) {
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		*a = append(*a, slog.Uint64(key, n))
	}
}

func (a *attrs) asked(e *exchange.Exchange) {
	method := metrics.Method(e.Method)
	a.text(metrics.KeyMethod, method)
	if method != e.Method {
		a.text("http.request.method_original", e.Method)
	}
	a.text(metrics.KeyScheme, e.Scheme)
	host, port := splitAddress(e.Host)
	a.text(metrics.KeyServerAddress, host)
	a.port(metrics.KeyServerPort, port)
	a.text("url.path", e.EscapedPath())
	_, port = splitAddress(e.Remote)
	a.text("client.address", clientIP(e))
	a.port("client.port", port)
	a.text(metrics.KeyProtocolVersion, metrics.ProtocolVersion(e.Proto))
}

func (a *attrs) answered(e *exchange.Exchange) {
	a.text(metrics.KeyRoute, metrics.Route(e.Route))
	if e.Status != 0 {
		*a = append(*a, slog.Int(metrics.KeyStatus, e.Status))
	}
	*a = append(*a, slog.Int64("http.request.body.size", e.Received), slog.Int64("http.response.body.size", e.Sent),
		slog.Float64(metrics.RequestDuration, e.Duration.Round(100*time.Nanosecond).Seconds()))
	a.text(metrics.KeyErrorType, errorType(e))
}

// errorType is what OpenTelemetry wants to know of failures: a word of few, or the status.
func errorType(e *exchange.Exchange) string {
	switch {
	case e.Panicked:
		return "panic"
	case e.Status >= 500:
		return strconv.Itoa(e.Status)
	}
	return ""
}

// splitAddress takes "host:port" and "host" apart, without the brackets of IPv6. The address of a unix socket's other
// end, which mostly has no name, is no host.
func splitAddress(s string) (host, port string) {
	if s == "@" {
		return "", ""
	}
	if host, port, err := net.SplitHostPort(s); err == nil {
		return host, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ""
}
