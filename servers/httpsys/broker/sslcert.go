package broker

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// SSLCert binds a certificate to where TLS is spoken, as netsh http add sslcert does, with its words, but for the certificate:
// that is named by files. Either HostnamePort or IPPort is set, and is what a binding is known by.
// (reference: servers.md, 4.3)
type SSLCert struct {
	HostnamePort string `json:"hostnameport,omitempty"` // api.localhost:443: for clients that ask for this host (SNI)
	IPPort       string `json:"ipport,omitempty"`       // 127.0.0.1:443, [::1]:443: for those that come to this address; 0.0.0.0:443 and [::]:443: to any
	Cert         string `json:"cert"`                   // PEM or PFX; a relative path starts from the file's folder
	Key          string `json:"key,omitempty"`          // PEM; "": it is in Cert
	Password     string `json:"password,omitempty"`     // of the key or the PFX
	// ClientCertNegotiation asks clients for a certificate. They may have none; one that they show must be good.
	ClientCertNegotiation bool `json:"clientcertnegotiation,omitempty"`
}

// Name is what the binding is known by, in netsh's words: "hostnameport=api.localhost:443".
func (c SSLCert) Name() string {
	if c.HostnamePort != "" {
		return "hostnameport=" + c.HostnamePort
	}
	return "ipport=" + c.IPPort
}

// binding is an SSLCert that was read.
type binding struct {
	SSLCert
	host string         // in lower case, and in the letters of the DNS; "": by address
	addr netip.AddrPort // by address; else the port alone counts
}

// parseBinding reads where c is bound, and writes that in its usual form.
func parseBinding(c SSLCert) (binding, error) {
	b := binding{SSLCert: c}
	var err error
	switch {
	case (c.HostnamePort == "") == (c.IPPort == ""):
		return b, errors.New("a binding has either hostnameport or ipport")
	case c.Cert == "":
		return b, errors.New("cert is missing: the file of the certificate")
	case c.HostnamePort != "":
		b.host, b.addr, err = parseHostnamePort(c.HostnamePort)
		b.HostnamePort = net.JoinHostPort(b.host, strconv.Itoa(int(b.addr.Port())))
	default:
		b.addr, err = parseIPPort(c.IPPort)
		b.IPPort = b.addr.String()
	}
	return b, err
}

func parseHostnamePort(text string) (host string, addr netip.AddrPort, err error) {
	host, port, found := strings.Cut(text, ":")
	if !found {
		return "", addr, fmt.Errorf("hostnameport=%s has no port", text)
	}
	if _, err := netip.ParseAddr(host); err == nil || strings.ContainsAny(host, "[]") {
		return "", addr, fmt.Errorf("hostnameport=%s is an address; that is ipport", text)
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || ascii == "" || len(ascii) > 253 {
		return "", addr, fmt.Errorf("hostnameport=%s names no host", text)
	}
	n, err := parsePort(port)
	if err != nil {
		return "", addr, fmt.Errorf("hostnameport=%s: %w", text, err)
	}
	return ascii, netip.AddrPortFrom(netip.Addr{}, n), nil
}

func parseIPPort(text string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(text)
	if err != nil || addr.Addr().Zone() != "" {
		return addr, fmt.Errorf("ipport=%s is no address with a port, such as 127.0.0.1:443 or [::1]:443", text)
	}
	if _, err := parsePort(text[strings.LastIndexByte(text, ':')+1:]); err != nil {
		return addr, fmt.Errorf("ipport=%s: %w", text, err)
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || text[0] == '0' || text[0] == '+' {
		return 0, fmt.Errorf("%q is no port from 1 to 65535", text)
	}
	return uint16(n), nil
}

// bindings are those of a file.
type bindings []binding

// find gives the binding for a client that comes to local and asks for a host: that of the very address, else of the host, else of
// any address, rather one of its own family. nil: there is none. The name may be "", and is not trusted to be one. The order is
// HTTP.sys', and that of the apps (package httpsys).
func (all bindings) find(name string, local netip.AddrPort) *binding {
	local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	var best *binding
	rank := 0
	for i := range all {
		if r := all[i].rank(name, local); r > rank {
			best, rank = &all[i], r
		}
	}
	return best
}

func (b *binding) rank(name string, local netip.AddrPort) int {
	at := b.addr.Addr()
	switch {
	case b.addr.Port() != local.Port():
		return 0
	case b.host != "":
		if strings.EqualFold(b.host, name) {
			return 3
		}
		return 0
	case at == local.Addr():
		return 4
	case !at.IsUnspecified():
		return 0
	case at.Is4() == local.Addr().Is4():
		return 2
	}
	return 1
}

func (all bindings) byName(name string) *binding {
	for i := range all {
		if all[i].Name() == name {
			return &all[i]
		}
	}
	return nil
}

// source is where package certificates finds the certificate.
func (b *binding) source() certificates.Source {
	return certificates.Source{Path: b.Cert, KeyPath: b.Key, Password: b.Password}
}

// absolute makes the paths of c start from the root. They are given from the working directory.
func (c *SSLCert) absolute() (err error) {
	if c.Cert, err = filepath.Abs(c.Cert); err != nil || c.Key == "" {
		return err
	}
	c.Key, err = filepath.Abs(c.Key)
	return err
}

// doubts are what clients will not like about a certificate.
func (b *binding) doubts(leaf *x509.Certificate, now time.Time) (warnings []string) {
	const day = time.DateOnly
	switch {
	case now.After(leaf.NotAfter):
		warnings = append(warnings, "the certificate ended on "+leaf.NotAfter.Format(day)+": clients will refuse it")
	case now.Before(leaf.NotBefore):
		warnings = append(warnings, "the certificate is valid only from "+leaf.NotBefore.Format(day)+": clients will refuse it until then")
	}
	host := b.host
	if at := b.addr.Addr(); host == "" && !at.IsUnspecified() {
		host = at.String()
	}
	if host != "" && leaf.VerifyHostname(host) != nil {
		warnings = append(warnings, fmt.Sprintf("the certificate is not for %s but for %s: clients will refuse it", host, subjects(leaf)))
	}
	return warnings
}

// subjects lists whom a certificate is for.
func subjects(leaf *x509.Certificate) string {
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	return cmp.Or(strings.Join(names, ", "), "nobody")
}

// CertificateError is a certificate that cannot be bound.
type CertificateError struct {
	Binding string // its Name
	Err     error  // the reason
}

func (e *CertificateError) Error() string { return e.Binding + ": " + e.what() }
func (e *CertificateError) Unwrap() error { return e.Err }

// what is the reason without the name of a setting that nobody has written.
func (e *CertificateError) what() string {
	c, ok := errors.AsType[*certificates.Error](e.Err)
	if !ok {
		return e.Err.Error()
	}
	return strings.TrimPrefix(c.Error(), c.Setting+": ")
}

// Hint says what can be done, in netsh's words.
func (e *CertificateError) Hint() string {
	c, ok := errors.AsType[*certificates.Error](e.Err)
	if !ok {
		return ""
	}
	switch c.Problem {
	case certificates.NotThere:
		return "look at the path, and at who may read the file"
	case certificates.NotACert:
		return "cert= wants PEM, or PFX (PKCS#12 in DER, as openssl pkcs12 -export writes it)"
	case certificates.NoKey:
		return "name the key's file with key=FILE, or put the key into the certificate's file"
	case certificates.NeedsPassword, certificates.WrongPassword:
		return "give the password of the key with password=..."
	}
	return c.Hint()
}
