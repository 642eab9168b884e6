package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// withoutMeaning are options of Kestrel that a server in Go has no use for. docs/servers-settings.md says why.
var withoutMeaning = []string{
	"AllowAlternateSchemes", "AllowHostHeaderOverride", "AllowResponseHeaderCompression", "AllowSynchronousIO",
	"ApplicationSchedulingMode", "DisableStringReuse", "EnableAltSvc",
}

func (r *reader) kestrel(n *node) Settings {
	var s Settings
	var list []found
	keys := []key{
		{"Endpoints", func(n *node) { list = r.endpoints(n) }},
		{"EndpointDefaults", func(n *node) { r.object(n, r.tlsKeys(&s.EndpointDefaults)...) }},
		{"Certificates", func(n *node) { s.Certificates = r.certificates(n) }},
		{"Limits", r.limits(&s.Limits)},
		{"AddServerHeader", r.flag(func(b bool) { s.AddServerHeader = &b })},
	}
	for _, name := range withoutMeaning {
		keys = append(keys, key{name, nil})
	}
	r.object(n, keys...)
	defaults := n.child("EndpointDefaults").child("Protocols")
	for _, f := range list {
		r.merge(&f, s.EndpointDefaults, defaults)
		s.Endpoints = append(s.Endpoints, f.Endpoint)
	}
	return s
}

// found is an endpoint with its node, before the defaults are merged into it.
type found struct {
	Endpoint
	node *node
}

func (r *reader) endpoints(n *node) []found {
	if !r.isObject(n) {
		return nil
	}
	var all []found
	for _, c := range n.children {
		f := found{Endpoint{Name: c.name}, c}
		keys := append(r.tlsKeys(&f.TLS.Settings),
			key{"Url", r.url(&f.Endpoint)},
			key{"Certificate", r.certificate(&f.TLS.Certificate)},
			key{"Sni", func(n *node) { f.TLS.SNI = r.sni(n) }},
		)
		r.object(c, keys...)
		if url := c.child("Url"); url == nil || url.text == "" && len(url.children) == 0 {
			r.fail(c, `write "Url": "http://localhost:5000"`, "the endpoint %q has no Url", c.name)
		}
		r.checkEndpoint(f)
		all = append(all, f)
	}
	return all
}

func (r *reader) url(e *Endpoint) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		if strings.Contains(s, ";") {
			r.fail(n, "give each URL an endpoint of its own", "%q is more than one URL", s)
			return
		}
		u, err := endpoint.Parse(s)
		if err != nil {
			advice := ""
			if parse, ok := errors.AsType[*endpoint.ParseError](err); ok {
				advice = parse.Hint()
			}
			r.fail(n, advice, "%v", err)
			return
		}
		e.URL, e.From = u, n.value.place()
	}
}

// checkEndpoint holds what the keys of one endpoint must be to each other.
func (r *reader) checkEndpoint(f found) {
	if f.URL.Scheme == "http" {
		for _, name := range httpsOnly(f.TLS) {
			r.fail(f.node.child(name), "write https in Url, or remove this", "%s has no meaning for %v, which is not https", name, f.URL)
		}
	}
	protocols := f.node.child("Protocols")
	switch own := f.TLS.Protocols; {
	case own == 0 || !own.Has(endpoint.HTTP3):
	case f.URL.Scheme == "http":
		r.fail(protocols, "write https in Url, or Http1AndHttp2 here", "HTTP/3 needs https, and the URL is %v", f.URL)
	case f.URL.Unix != "":
		r.fail(protocols, "write Http1AndHttp2", "HTTP/3 cannot be spoken over a unix socket")
	}
}

// httpsOnly names what t says that only TLS can have, as Kestrel lists it.
func httpsOnly(t certificates.Endpoint) []string {
	var names []string
	for _, k := range []struct {
		name string
		said bool
	}{
		{"Certificate", t.Certificate != certificates.Source{}},
		{"ClientCertificateMode", t.Clients != nil},
		{"SslProtocols", t.TLSVersions != nil},
		{"Sni", t.SNI != nil},
	} {
		if k.said {
			names = append(names, k.name)
		}
	}
	return names
}

// merge takes over what f does not say. The defaults are for endpoints of all kinds: what the kind cannot have is left out.
func (r *reader) merge(f *found, defaults certificates.Settings, protocols *node) {
	if f.TLS.Protocols == 0 && defaults.Protocols != 0 {
		f.TLS.Protocols = defaults.Protocols
		if f.URL.Scheme == "http" || f.URL.Unix != "" {
			f.TLS.Protocols &^= endpoint.HTTP3
		}
		if f.TLS.Protocols == 0 {
			advice := fmt.Sprintf("give the endpoint %q Protocols of its own", f.Name)
			r.fail(protocols, advice, "%v cannot speak HTTP/3, which needs https and a port", f.URL)
		}
	}
	if f.URL.Scheme != "https" {
		return
	}
	if f.TLS.TLSVersions == nil {
		f.TLS.TLSVersions = defaults.TLSVersions
	}
	if f.TLS.Clients == nil {
		f.TLS.Clients = defaults.Clients
	}
}
