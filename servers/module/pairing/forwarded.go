package pairing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gorun-dev/gorun/servers/feature"
)

// forwarded is the context of a request that was passed on: it knows the client.
type forwarded struct {
	context.Context
	base     string
	remote   net.Addr // nil: the front did not tell
	tls      *tls.ConnectionState
	upgrades bool
}

func (c *forwarded) Value(key any) any {
	switch key.(type) {
	case feature.Key[feature.PathBase]:
		return feature.PathBase{Path: c.base}
	case feature.Key[feature.Connection]:
		connection, ok := c.Context.Value(key).(feature.Connection)
		if !ok {
			return nil
		}
		if c.remote != nil {
			connection.Remote = c.remote
		}
		return connection
	case feature.Key[feature.TLS]:
		if c.tls == nil {
			return nil
		}
		return feature.TLS{State: *c.tls}
	case feature.Key[feature.Upgrade]:
		if !c.upgrades {
			return nil
		}
	}
	return c.Context.Value(key)
}

// forward applies X-Forwarded-For and X-Forwarded-Proto as ASP.NET Core does (reference: servers.md, 1.8): only the last
// entry of each, which the front has added, and only from this machine; what was there before is kept as X-Original-For
// and X-Original-Proto. An address that cannot be read ends it.
func forward(r *http.Request) *forwarded {
	c := &forwarded{Context: r.Context()}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
		return c
	}
	if address, left := last(r.Header["X-Forwarded-For"]); address != "" {
		client, ok := parseAddress(address)
		if !ok {
			return c
		}
		r.Header.Set("X-Original-For", r.RemoteAddr)
		keep(r.Header, "X-Forwarded-For", left)
		r.RemoteAddr = client.String()
		c.remote = net.TCPAddrFromAddrPort(client)
	}
	if scheme, left := last(r.Header["X-Forwarded-Proto"]); isScheme(scheme) {
		r.Header.Set("X-Original-Proto", "http")
		keep(r.Header, "X-Forwarded-Proto", left)
		if strings.EqualFold(scheme, "https") {
			c.tls = &tls.ConnectionState{HandshakeComplete: true}
			r.TLS = c.tls
		}
	}
	return c
}

// last gives the last entry of a list, and what stands before it.
func last(values []string) (entry string, left []string) {
	var all []string
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	return all[len(all)-1], all[:len(all)-1]
}

// keep leaves what was not used up.
func keep(h http.Header, key string, left []string) {
	if len(left) == 0 {
		h.Del(key)
		return
	}
	h.Set(key, strings.Join(left, ", "))
}

// parseAddress reads an address with or without a port, which then is 0.
func parseAddress(s string) (netip.AddrPort, bool) {
	if both, err := netip.ParseAddrPort(s); err == nil {
		return both, true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return netip.AddrPortFrom(addr, 0), err == nil
}

// isScheme follows RFC 3986, 3.1.
func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9') && r != '+' && r != '-' && r != '.') {
			return false
		}
	}
	return s != ""
}

// certificate takes the certificate that the client has shown to the front.
func (c *forwarded) certificate(r *http.Request, log *slog.Logger) {
	encoded := r.Header.Get(ClientCertificateHeader)
	if encoded == "" {
		return
	}
	der, err := base64.StdEncoding.DecodeString(encoded)
	var cert *x509.Certificate
	if err == nil {
		cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		log.Warn("the client's certificate that the module has passed on cannot be read", slog.Any("error", err))
		return
	}
	if c.tls == nil {
		c.tls = &tls.ConnectionState{HandshakeComplete: true}
	}
	c.tls.PeerCertificates = []*x509.Certificate{cert}
	r.TLS = c.tls
}
