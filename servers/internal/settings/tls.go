package settings

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// tlsKeys are the keys that an endpoint, a host name of Sni and EndpointDefaults have in common.
func (r *reader) tlsKeys(s *certificates.Settings) []key {
	return []key{
		{"Protocols", r.protocols(&s.Protocols)},
		{"SslProtocols", func(n *node) { s.TLSVersions = r.tlsVersions(n) }},
		{"ClientCertificateMode", func(n *node) { s.Clients = r.clients(n) }},
	}
}

func (r *reader) protocols(to *endpoint.Protocols) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		p, err := endpoint.ParseProtocols(s)
		if err != nil {
			r.fail(n, "", "%v", err)
		}
		*to = p
	}
}

// tlsNames are those of .NET's SslProtocols; version 0 is one that Go does not speak.
var tlsNames = []struct {
	name    string
	version uint16
}{
	{"Ssl2", 0}, {"Ssl3", 0}, {"Default", 0},
	{"Tls", tls.VersionTLS10}, {"Tls11", tls.VersionTLS11}, {"Tls12", tls.VersionTLS12}, {"Tls13", tls.VersionTLS13},
}

// tlsVersions reads an array of names, lowest version first. None, like null in it, leaves the choice to Go, which is said so
// that an endpoint may undo what the defaults say.
func (r *reader) tlsVersions(n *node) []uint16 {
	if n.kind == scalar && n.text != "" {
		r.fail(n, `write ["`+n.text+`"]`, "it is a value where an array should stand")
	}
	var versions []uint16
	for _, c := range n.children {
		s, _ := r.text(c)
		for name := range strings.SplitSeq(s, ",") {
			if v, ok := r.tlsVersion(c, strings.TrimSpace(name)); ok {
				versions = append(versions, v)
			}
		}
	}
	if len(n.children) > 0 && versions == nil {
		return []uint16{tls.VersionTLS12, tls.VersionTLS13}
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	if len(versions) > 0 && int(versions[len(versions)-1]-versions[0]) >= len(versions) {
		r.fail(n, "name the versions between, too", "Go speaks no versions of TLS with a gap between them")
	}
	return versions
}

func (r *reader) tlsVersion(n *node, name string) (version uint16, ok bool) {
	if name == "" || strings.EqualFold(name, "None") {
		return 0, false
	}
	for _, known := range tlsNames {
		if !strings.EqualFold(name, known.name) {
			continue
		}
		if known.version == 0 {
			r.fail(n, "write Tls12 or Tls13", "Go does not speak %s", known.name)
		}
		return known.version, known.version != 0
	}
	r.fail(n, "write Tls, Tls11, Tls12 or Tls13", "%q names no version of TLS", name)
	return 0, false
}

// clientModes are in the order of their values.
var clientModes = []string{"NoCertificate", "AllowCertificate", "RequireCertificate"}

func (r *reader) clients(n *node) *certificates.ClientMode {
	s, ok := r.text(n)
	if !ok {
		return nil
	}
	word := strings.TrimSpace(s)
	i := slices.IndexFunc(clientModes, func(name string) bool { return strings.EqualFold(name, word) })
	if i >= 0 {
		mode := certificates.ClientMode(i)
		return &mode
	}
	if strings.EqualFold(word, "DelayCertificate") {
		r.fail(n, "write AllowCertificate to ask every client for one, and let the program decide what to do without",
			"Go's TLS cannot ask for a certificate after the handshake")
	} else {
		r.fail(n, "write NoCertificate, AllowCertificate or RequireCertificate", "%q is no mode", s)
	}
	return nil
}

// certificate reads a Certificate object. One that names neither a file nor a subject is none, as in Kestrel.
func (r *reader) certificate(to *certificates.Source) func(*node) {
	return func(n *node) {
		s := r.source(n)
		switch {
		case s.Path != "" && s.Subject != "":
			r.fail(n, "remove Path or Subject", "it has both a file, Path, and a certificate of a store, Subject")
		case s.Path != "" || s.Subject != "":
			*to = s
		case s.KeyPath != "":
			r.fail(n.child("KeyPath"), "write Path too", "there is a key, but no certificate: Path is not said")
		case s != certificates.Source{}:
			r.warn(n, "write Path or Subject", "it names no certificate, and has no effect")
		}
	}
}

func (r *reader) source(n *node) certificates.Source {
	var s certificates.Source
	r.object(n,
		key{"Path", r.into(&s.Path)},
		key{"KeyPath", r.into(&s.KeyPath)},
		key{"Password", r.into(&s.Password)},
		key{"Subject", r.into(&s.Subject)},
		key{"Store", r.into(&s.Store)},
		key{"Location", r.location(&s.Location)},
		key{"AllowInvalid", r.flag(func(b bool) { s.AllowInvalid = b })},
	)
	return s
}

func (r *reader) location(to *string) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		for _, name := range []string{"CurrentUser", "LocalMachine"} {
			if strings.EqualFold(strings.TrimSpace(s), name) {
				*to = name
				return
			}
		}
		r.fail(n, "write CurrentUser or LocalMachine", "%q is no location of a store", s)
	}
}

func (r *reader) certificates(n *node) map[string]certificates.Source {
	if !r.isObject(n) {
		return nil
	}
	all := map[string]certificates.Source{}
	for _, c := range n.children {
		name := c.name
		var s certificates.Source
		switch fold(name) {
		case fold("Default"):
			name = "Default"
			r.certificate(&s)(c)
		case fold("Development"): // Kestrel takes the password alone, of the file that dotnet dev-certs makes
			name = "Development"
			s = r.source(c)
		default:
			r.certificate(&s)(c)
			r.warn(c, "", "nothing uses it: Default and Development are used")
		}
		if s != (certificates.Source{}) {
			all[name] = s
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func (r *reader) sni(n *node) map[string]certificates.Settings {
	if !r.isObject(n) {
		return nil
	}
	hosts := map[string]certificates.Settings{}
	for _, c := range n.children {
		if problem := checkHost(c.name); problem != "" {
			r.problems = append(r.problems, newProblem(c.key, c.path(), "write a host name, *.suffix or *", "%s", problem))
		}
		var s certificates.Settings
		r.object(c, append(r.tlsKeys(&s), key{"Certificate", r.certificate(&s.Certificate)})...)
		hosts[strings.ToLower(c.name)] = s
	}
	return hosts
}

// checkHost says what is wrong with a name of Sni, which clients would then never ask for; "" is nothing.
func checkHost(name string) string {
	if name == "*" {
		return ""
	}
	host := strings.TrimPrefix(name, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		return "clients do not name IP addresses"
	}
	if len(host) > 253 {
		return "a host name has at most 253 characters"
	}
	for label := range strings.SplitSeq(host, ".") {
		switch {
		case label == "":
			return "a part of the host name is empty"
		case len(label) > 63:
			return "a part of a host name has at most 63 characters"
		case strings.ContainsFunc(label, func(r rune) bool { return r >= utf8.RuneSelf }):
			return "clients name this host in its ASCII form, which begins with xn--"
		case strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
			return "it is no host name: letters, digits and - stand between dots"
		}
	}
	return ""
}
