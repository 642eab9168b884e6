// Package certificates turns what is said about TLS at an endpoint into a tls.Config: which certificate, chosen by host
// name (SNI), from which files, for which clients.
//
// It opens no socket and reads no configuration. What it gives may be used from several goroutines at once.
package certificates

import "github.com/gorun-dev/gorun/servers/endpoint"

// Source says where a certificate is: the Certificate object of Kestrel's configuration (reference: servers.md, 3.4).
// The zero Source is none.
type Source struct {
	Path     string // PEM, or PFX (PKCS#12)
	KeyPath  string // with PEM: the key, "" when it is in Path
	Password string // of the key or the PFX

	Subject, Store, Location string // in a store of Windows or .NET
	AllowInvalid             bool   // takes one from a store that has ended or is not trusted
}

// ClientMode says whether clients show a certificate.
type ClientMode uint8

// The modes, with Kestrel's names.
const (
	NoCertificate      ClientMode = iota // they are not asked
	AllowCertificate                     // they are asked; one that is shown must be good
	RequireCertificate                   // without a good one there is no connection
)

// Settings say how TLS is spoken with the clients of one endpoint, or of one host name there. In every field the zero value
// takes what the endpoint, or the defaults, say.
type Settings struct {
	Certificate Source
	TLSVersions []uint16 // such as tls.VersionTLS13; nil is Go's default
	Clients     *ClientMode
	Protocols   endpoint.Protocols
}

// Endpoint is all that is said about TLS at one endpoint.
type Endpoint struct {
	Settings
	// SNI has settings for host names: a name, *.suffix or *, in lower case. The exact name wins, then the longest suffix,
	// then *; a client that names no host gets *. When it is not empty and nothing fits, the connection is refused.
	SNI map[string]Settings
}
