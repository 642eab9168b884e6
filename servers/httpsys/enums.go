package httpsys

import (
	"fmt"
	"strings"
)

// Mode is RequestQueueMode.
type Mode uint8

// The modes.
const (
	Create         Mode = iota // the queue must not be there yet
	Attach                     // it must be there; nothing is registered unless UrlPrefixes or addresses say so
	CreateOrAttach             // it is made when it is not there
)

var modes = []string{"Create", "Attach", "CreateOrAttach"}

// Verbosity is Http503VerbosityLevel: how a client is told that nobody serves it.
type Verbosity uint8

// The levels.
const (
	Basic   Verbosity = iota // the connection is reset
	Limited                  // 503 without a text
	Full                     // 503 with the reason
)

var verbosities = []string{"Basic", "Limited", "Full"}

// ClientCertificateMethod says whether handlers see the certificates of clients. Whether a client is asked for one at all is
// said where TLS is set up: at the certificate's binding, or in a tls.Config.
type ClientCertificateMethod uint8

// The methods.
const (
	AllowCertificate   ClientCertificateMethod = iota // the one that the client has shown in its handshake
	NoCertificate                                     // none
	AllowRenegotiation                                // it is asked for when a handler wants it. Windows only: elsewhere it is an error
)

var methods = []string{"AllowCertificate", "NoCertificate", "AllowRenegotiation"}

// String gives the name.
func (m Mode) String() string { return nameOf(modes, m) }

// String gives the name.
func (v Verbosity) String() string { return nameOf(verbosities, v) }

// String gives the name.
func (m ClientCertificateMethod) String() string { return nameOf(methods, m) }

// ParseMode reads a name, in any case.
func ParseMode(s string) (Mode, error) { return parse[Mode](modes, s) }

// ParseVerbosity reads a name, in any case.
func ParseVerbosity(s string) (Verbosity, error) { return parse[Verbosity](verbosities, s) }

// ParseClientCertificateMethod reads a name, in any case.
func ParseClientCertificateMethod(s string) (ClientCertificateMethod, error) {
	return parse[ClientCertificateMethod](methods, s)
}

func nameOf[T ~uint8](names []string, value T) string {
	if int(value) < len(names) {
		return names[value]
	}
	return fmt.Sprintf("%d", uint8(value))
}

func parse[T ~uint8](names []string, s string) (T, error) {
	for i, name := range names {
		if strings.EqualFold(strings.TrimSpace(s), name) {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", s, strings.Join(names, ", "))
}
