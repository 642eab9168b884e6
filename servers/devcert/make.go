package devcert

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Organization is the O of the subject of each CA that this package makes, by which others tell them apart.
const Organization = "gorun development CA"

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Names are the names of every certificate: those of ASP.NET Core's (reference: aspnetcore pull requests 61265, 62668
// and 64431), and *.localhost. Browsers and OpenSSL take no wildcard right below a top level, which is why *.localhost serves Go's
// clients alone, and a name such as api.localhost goes into Options.Names.
func Names() []string {
	return []string{"localhost", "*.localhost", "*.dev.localhost", "*.dev.internal", "host.docker.internal", "host.containers.internal"}
}

// addresses are the loopback addresses that people type.
func addresses() []net.IP { return []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} }

// permitted are the domains that the CA may sign for. They are reserved for local use (RFC 6761, and ICANN for internal).
func permitted() []string { return []string{"localhost", "internal", "test"} }

// dnsNames are the usual names and more, each once, in lower case.
func dnsNames(more []string) []string {
	list := Names()
	for _, name := range more {
		if name = strings.ToLower(name); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// checkNames refuses names that the CA must not sign for, with a *NameError.
func checkNames(names []string) error {
	for _, name := range names {
		if !mayName(strings.ToLower(name)) {
			return &NameError{name}
		}
	}
	return nil
}

func mayName(name string) bool {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(name) <= 253 && slices.Contains(permitted(), labels[len(labels)-1])
}

// newCA makes a CA. Its key may sign for names and addresses of this machine alone (name constraints): whoever steals
// it cannot pass for a bank. mkcert's CA has no such limit. Nor may it sign for mail or code, but for servers alone.
func newCA(o Options) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pair{}, err
	}
	id := sha256.Sum256(public)
	now := o.now()
	template := &x509.Certificate{
		Subject: pkix.Name{
			Organization:       []string{Organization},
			OrganizationalUnit: []string{Owner(o.getenv)},
			// Two CAs of one user need two names, or verifiers try the wrong one.
			CommonName: Organization + " " + hex.EncodeToString(id[:4]),
		},
		NotBefore: now.Add(-time.Hour), // clocks of virtual machines lag
		NotAfter:  now.AddDate(caYears, 0, 0),
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         permitted(),
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	return issued(template, template, key, key)
}

// Owner is the OU of the subject of a CA that is made for this user here: "user@host". getenv must not be nil.
func Owner(getenv func(string) string) string {
	user := cmp.Or(getenv("USER"), getenv("LOGNAME"), getenv("USERNAME"), "user")
	host, err := os.Hostname()
	if err != nil {
		return user
	}
	return user + "@" + host
}

// newLeaf makes a certificate for servers.
func newLeaf(ca pair, names []string, now time.Time) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	begin := later(now.Add(-time.Hour), ca.cert.NotBefore)
	end := begin.Add(leafLife)
	if end.After(ca.cert.NotAfter) {
		end = ca.cert.NotAfter
	}
	return issued(&x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"gorun development certificate"}, CommonName: "localhost"},
		NotBefore: begin, NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names, IPAddresses: addresses(),
	}, ca.cert, key, ca.key)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func issued(template, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.Signer) (pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return pair{cert, key}, err
}
