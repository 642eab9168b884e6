// Package httpsys serves an app as HTTP.sys does: it owns no port, but registers prefixes such as http://app.localhost:80/base/ and
// shares their ports with other processes (reference: servers.md, section 4).
//
// On Windows it speaks to HTTP.sys itself, by httpapi.dll. Elsewhere it is a client of gorun's broker
// (servers/httpsys/broker), which owns the ports and hands over the sockets of clients: package kestrel then speaks with
// them, and no other process stands between. A request on such a connection that belongs to another app goes back to the
// broker. The package starts no broker; gorun does.
//
// A Server serves once. Its types may be used by several goroutines at once.
package httpsys

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Server serves a handler. The zero value serves http.DefaultServeMux on http://localhost:5000. Its fields are not changed
// after Serve is called.
type Server struct {
	Options Options
	Handler http.Handler // nil is http.DefaultServeMux
	// Listens are what is registered, and are tried in their order. nil: Options.UrlPrefixes, else, for a new queue,
	// http://localhost:5000 (reference: servers.md, 4.2).
	Listens []Listen
	// Limits count where Options say nothing. What both leave out is HTTP.sys's default where it has one, else Kestrel's.
	// On Windows most of them are the system's own.
	Limits          limits.Limits
	ServerHeader    string                             // the Server field of responses that have none; empty: no such field
	Log             *slog.Logger                       // nil is slog.Default()
	Meter           metrics.Meter                      // gets Kestrel's numbers; nil: nothing is measured
	Middleware      []func(net.Conn) (net.Conn, error) // as in kestrel.Server; on Windows there are no connections
	BaseContext     func() context.Context             // what contexts of requests derive from; nil is context.Background
	ShutdownTimeout time.Duration                      // how long requests may go on at the end; 0 or less: not at all
	Getenv          func(string) string                // nil is os.Getenv
}

// Listen is one address to register.
type Listen struct {
	// URL is a UrlPrefix, whose slash at the end may be left out, or an address as Kestrel has it: 0.0.0.0 and [::] are *.
	// With port 0 one from 5000 to 48000 is chosen.
	URL       string
	Source    string             // where it was asked for, for messages
	TLS       *tls.Config        // for https, where no certificate is bound to the address; nil for http, and on Windows
	Protocols endpoint.Protocols // HTTP/2 is spoken with TLS alone, HTTP/3 not at all
	// Default says that nobody has asked for it: it is left out where the server shares a queue that is there already, which has
	// prefixes (reference: servers.md, 4.1).
	Default bool
}

// Serve registers the addresses, calls listening with them when all are registered, and serves until ctx is done. The addresses
// are Listens in their order, with the ports that were really taken. Then it takes the prefixes back, lets running requests finish for ShutdownTimeout, cuts
// off what still runs, and returns when everything that it has started has ended: nil, or an error when requests were cut off.
//
// When an address cannot be registered none is, and the error joins a *RegistrationError for each; an option that cannot be
// is an *OptionError. Elsewhere than on Windows it is a *wire.NoBrokerError, which has a Hint, when there is no broker. A
// broker that goes away later is waited for: connections that are open go on, and everything is registered again.
func (s *Server) Serve(ctx context.Context, listening func(addresses []string)) error {
	if err := s.Options.Check(); err != nil {
		return err
	}
	list, err := s.registrations()
	if err != nil {
		return err
	}
	return s.serve(ctx, list, listening)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

func (s *Server) getenv(name string) string {
	if s.Getenv == nil {
		return os.Getenv(name)
	}
	return s.Getenv(name)
}

// base is what contexts of requests derive from. All have a path base, if only an empty one.
func (s *Server) base() context.Context {
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext()
	}
	return feature.With(ctx, feature.PathBase{})
}

// effectiveLimits joins Options and Limits, with the defaults of TimeoutManager (reference: servers.md, 4.1).
func (s *Server) effectiveLimits() limits.Limits {
	t := s.Options.Timeouts
	own := limits.Limits{
		MaxConcurrentConnections: s.Options.MaxConnections,
		MaxRequestBodySize:       s.Options.MaxRequestBodySize,
		RequestHeadersTimeout:    t.HeaderWait,
		KeepAliveTimeout:         t.IdleConnection,
		MinRequestBodyDataRate:   silence(t.EntityBody),
		MinResponseDataRate:      limits.DataRate{BytesPerSecond: float64(t.MinSendBytesPerSecond)},
	}
	return own.Or(s.Limits).Or(limits.Limits{
		RequestHeadersTimeout:  DefaultTimeout,
		KeepAliveTimeout:       DefaultTimeout,
		MinRequestBodyDataRate: silence(DefaultTimeout),
		MinResponseDataRate:    limits.DataRate{BytesPerSecond: DefaultMinSendBytesPerSecond},
	})
}

// silence is Kestrel's rate, from which d on. HTTP.sys counts the time since the last byte.
func silence(d time.Duration) limits.DataRate {
	if d < 0 {
		return limits.DataRate{BytesPerSecond: -1}
	}
	return limits.DataRate{GracePeriod: d}
}

// moment is how long connections without a request get to close.
const moment = 50 * time.Millisecond

func (s *Server) shutdownTimeout() time.Duration { return cmp.Or(max(s.ShutdownTimeout, 0), moment) }
