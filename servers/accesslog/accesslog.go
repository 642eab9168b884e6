// Package accesslog tells about each request that a handler has answered: as records of slog, as lines of JSON, in the
// extended log file format of the W3C that IIS and ASP.NET Core write, or as numbers for a metrics.Meter.
//
//	h = accesslog.Wrap(h, accesslog.JSON(os.Stdout), accesslog.Metrics(meter))
//
// Requests that the server refuses before the handler is called are not seen. The package opens no files and rotates none.
// Nothing is buffered: a request ends when its line has been written, so that a slow writer makes slow answers.
//
// What is logged may be read by many, so Slog and JSON leave out what often is a secret: the query, also that of the referer,
// and cookies, unless they are asked for. They do log paths, clients' addresses and user agents. W3C logs the fields that it
// is asked for, and by default those of ASP.NET Core, which have the query and the whole referer but no cookies and no user
// names. Headers such as Authorization are logged only by W3C, and only by name.
//
// A Log may be used for several handlers and by several goroutines at once; lines are never mixed. A writer that fails or
// panics does not fail the request: the line is lost, and slog.Default is told once.
package accesslog

import (
	"net/http"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// A Log is told of each request. Slog, JSON, W3C and Metrics make one; the zero value does nothing.
type Log struct {
	listener exchange.Listener
}

// Wrap gives a handler that calls h and tells each of the logs when it has returned or panicked; panics go on. It is h
// itself when no log has anything to do. A nil h is http.DefaultServeMux. However many logs there are, a request is
// wrapped once.
//
// The duration of a request is that of the call of h. The bytes are those of bodies: neither headers nor what frames a body
// on its way. The status is as in net/http; for a connection that h has taken over (hijacked) without saying one it is
// 101 when the request asked for an upgrade. It is absent when h panicked before it answered.
func Wrap(h http.Handler, logs ...Log) http.Handler {
	listeners := make([]exchange.Listener, len(logs))
	for i, l := range logs {
		listeners[i] = l.listener
	}
	return exchange.Wrap(h, listeners...)
}
