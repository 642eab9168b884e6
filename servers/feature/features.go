package feature

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"github.com/gorun-dev/gorun/servers/limits"
)

// HostingModel says whose connections a server accepts.
type HostingModel string

// The models. Their names are those of the ASP.NET Core Module.
const (
	SelfHosted   HostingModel = ""             // the app's own: nobody stands between it and its clients
	InProcess    HostingModel = "InProcess"    // those of a front that has handed its sockets over
	OutOfProcess HostingModel = "OutOfProcess" // those of a front that passes requests on
)

// Server is what an app knows of its server.
type Server struct {
	Name         string // kestrel, httpsys, module, or the name that the app gave to its own
	HostingModel HostingModel
	Addresses    []string // the URLs that are bound, with the ports that the system chose and, InProcess, the path base; not to be changed
}

// Connection is the connection of a request (IHttpConnectionFeature). With a front it is the client's as the front tells it.
type Connection struct {
	ID     string // differs between all connections of a process; in HTTP/2 and HTTP/3 many requests have the same
	Local  net.Addr
	Remote net.Addr
}

// PathBase is the part of the path that lies before the app: http.Request.URL.Path begins behind it, RequestURI has it. Requests
// of a server that has the whole host do not have it.
type PathBase struct {
	Path string // "", or begins with / and does not end with one, as the client has written it
}

// TLS is how the connection is encrypted (ITlsConnectionFeature, ITlsHandshakeFeature). Requests without TLS do not have it.
type TLS struct {
	State tls.ConnectionState
}

// ClientCertificate is the certificate that the client has shown, nil when it has shown none.
func (t TLS) ClientCertificate() *x509.Certificate {
	if len(t.State.PeerCertificates) == 0 {
		return nil
	}
	return t.State.PeerCertificates[0]
}

// Body lets a handler change what is allowed to its request's body (IHttpMaxRequestBodySizeFeature).
type Body interface {
	// MaxSize is how long the body may be, in bytes; negative for no limit.
	MaxSize() int64
	// SetMaxSize changes it: 0 is no body at all, negative no limit. It returns ErrBodyStarted when a read has begun.
	SetMaxSize(n int64) error
}

// ErrBodyStarted is returned when a limit on the body is changed after its first read.
var ErrBodyStarted = errors.New("the body of this request is already being read")

// DataRates lets a handler change how fast its client must be (IHttpMinRequestBodyDataRateFeature,
// IHttpMinResponseDataRateFeature). The zero rate is the server's, one with negative BytesPerSecond is no limit.
type DataRates interface {
	SetMinRequestBodyDataRate(rate limits.DataRate)
	SetMinResponseDataRate(rate limits.DataRate)
}

// Upgrade says whether the connection of a request can be taken over (IHttpUpgradeFeature): by http.Hijacker in HTTP/1.1, never in
// HTTP/2 and HTTP/3.
type Upgrade interface {
	// IsUpgradable reports whether the client asks for it, and the server allows one more.
	IsUpgradable() bool
}

// Trailers says whether fields may follow the body of the response (IHttpResponseTrailersFeature): http.TrailerPrefix.
// Those of the request are in http.Request.Trailer once its body has been read.
type Trailers interface {
	// IsSupported reports whether the client gets them: HTTP/1.0 has none.
	IsSupported() bool
}

// TLSOf gives the TLS feature of a request, also under a server that does not set it but fills r.TLS in.
func TLSOf(r *http.Request) (TLS, bool) {
	if t, ok := Get[TLS](r.Context()); ok {
		return t, true
	}
	if r.TLS == nil {
		return TLS{}, false
	}
	return TLS{*r.TLS}, true
}
