package certificates

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// versions gives the first and the last version of a list; without one, TLS 1.2 and what Go has at most. Go's TLS
// knows ranges alone, and so a list must not have gaps.
func versions(setting string, list []uint16) (low, high uint16, err error) {
	if len(list) == 0 {
		return tls.VersionTLS12, 0, nil
	}
	low, high = slices.Min(list), slices.Max(list)
	for v := low; v < high; v++ {
		if !slices.Contains(list, v) {
			return 0, 0, &Error{Setting: setting + ":SslProtocols", Problem: BadCombination,
				Err: fmt.Errorf("%s is left out between two others, which is not possible", tls.VersionName(v))}
		}
	}
	return low, high, nil
}

// alpn gives the names of the protocols. HTTP/2 wants TLS 1.2 (RFC 9113, 9.2), and HTTP/3 wants 1.3 (RFC 9001, 4.2).
func alpn(setting string, p endpoint.Protocols, high uint16) ([]string, error) {
	names := p.ALPN()
	if high != 0 && high < tls.VersionTLS12 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "h2" })
	}
	if p.Has(endpoint.HTTP3) && high != 0 && high < tls.VersionTLS13 {
		return nil, &Error{Setting: setting + ":SslProtocols", Problem: BadCombination, Err: errors.New("HTTP/3 wants Tls13")}
	}
	switch {
	case len(names) > 0:
		return names, nil
	case p.Has(endpoint.HTTP3):
		return []string{"h3"}, nil // clients over TCP offer other names, and are refused
	}
	return nil, &Error{Setting: setting + ":SslProtocols", Problem: BadCombination, Err: errors.New("HTTP/2 wants Tls12 or Tls13")}
}
