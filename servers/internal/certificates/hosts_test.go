package certificates

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// serving writes a certificate for each name, in a file NAME.pem.
func (f *folder) serving(names ...string) {
	f.t.Helper()
	for _, name := range names {
		f.write(name+".pem", issue(f.t, name, newKey(f.t), nil, nil).both(f.t))
	}
}

func TestSNI(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("exact", "short", "long", "any")
	sni := map[string]Settings{
		"www.example.org": at("exact.pem"), "*.example.org": at("short.pem"), "*.Deep.example.org": at("long.pem"),
	}
	strict, err := Config(Endpoint{SNI: sni}, f.options())
	must(t, err)
	sni["*"] = at("any.pem")
	open, err := Config(Endpoint{SNI: sni}, f.options())
	must(t, err)
	for _, c := range []struct{ name, open, strict string }{
		{"www.example.org", "exact", "exact"},
		{"WWW.Example.ORG", "exact", "exact"},
		{"other.example.org", "short", "short"},
		{"a.b.example.org", "short", "short"},
		{"a.deep.example.org", "long", "long"},
		{"a.b.deep.example.org", "long", "long"},
		{"deep.example.org", "short", "short"},
		{"example.org", "any", "refused"},
		{"myexample.org", "any", "refused"},
		{"org", "any", "refused"},
		{"", "any", "refused"},
		{"127.0.0.1", "any", "refused"}, // which clients do not send
		{strings.Repeat("a.", 1000) + "example.org", "refused", "refused"},
	} {
		if got := shown(t, open, c.name); got != c.open {
			t.Errorf("%q with *: %s, want %s", c.name, got, c.open)
		}
		if got := shown(t, strict, c.name); got != c.strict {
			t.Errorf("%q: %s, want %s", c.name, got, c.strict)
		}
	}
	_, _, err = shake(t, strict, asking("elsewhere"))
	if e, ok := errors.AsType[*RefusedError](err); !ok || e.Name != "elsewhere" {
		t.Errorf("refused by %v", err)
	}
}

// Each host has its own protocols and versions, and takes from the endpoint what it does not say.
func TestHostSettings(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("endpoint", "own")
	base := at("endpoint.pem")
	base.Protocols = endpoint.HTTP1
	base.TLSVersions = []uint16{tls.VersionTLS12}
	own := at("own.pem")
	own.Protocols = endpoint.HTTP2
	own.TLSVersions = []uint16{tls.VersionTLS13}
	c, err := Config(Endpoint{Settings: base, SNI: map[string]Settings{
		"own": own, "inherits": {}, "quic": {Protocols: endpoint.HTTP3, TLSVersions: []uint16{tls.VersionTLS13}},
	}}, f.options())
	must(t, err)
	for _, want := range []struct {
		name, certificate, protocol string
		version                     uint16
	}{
		{"own", "own", "h2", tls.VersionTLS13},
		{"inherits", "endpoint", "http/1.1", tls.VersionTLS12},
	} {
		_, state, err := shake(t, c, asking(want.name))
		must(t, err)
		if got := state.PeerCertificates[0].Subject.CommonName; got != want.certificate || state.NegotiatedProtocol != want.protocol || state.Version != want.version {
			t.Errorf("%s: %s, %s, %s", want.name, got, state.NegotiatedProtocol, tls.VersionName(state.Version))
		}
	}
	old := asking("own")
	old.MaxVersion = tls.VersionTLS12
	if _, _, err := shake(t, c, old); err == nil {
		t.Error("a client with TLS 1.2 was taken")
	}
	if got := shown(t, c, "quic"); got != "refused" {
		t.Errorf("a client without h3 sees %s", got)
	}
	h3 := asking("own")
	h3.NextProtos = []string{"h3"}
	if _, _, err := shake(t, c, h3); err == nil {
		t.Error("a client with h3 alone was taken")
	}
}

// Without settings TLS 1.2 and 1.3 are spoken, HTTP/2 first, and clients need not choose a protocol.
func TestDefaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("x")
	c, err := f.config(Source{Path: "x.pem"})
	must(t, err)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		client := asking("x")
		client.MinVersion, client.MaxVersion = version, version
		_, state, err := shake(t, c, client)
		if (err == nil) != (version >= tls.VersionTLS12) || err == nil && state.NegotiatedProtocol != "h2" {
			t.Errorf("%s: %q, %v", tls.VersionName(version), state.NegotiatedProtocol, err)
		}
	}
	bare := asking("x")
	bare.NextProtos = nil
	if _, state, err := shake(t, c, bare); err != nil || state.NegotiatedProtocol != "" {
		t.Errorf("without ALPN: %q, %v", state.NegotiatedProtocol, err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("x")
	const v10, v11, v12, v13 = tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13
	for _, c := range []struct {
		protocols endpoint.Protocols
		versions  []uint16
		want      string // ALPN's names, or "error"
	}{
		{0, nil, "h2 http/1.1"},
		{0, []uint16{v13, v12}, "h2 http/1.1"},
		{0, []uint16{v11, v13}, "error"},
		{0, []uint16{v11, v10}, "http/1.1"},
		{endpoint.HTTP2, []uint16{v11}, "error"},
		{endpoint.HTTP1, nil, "http/1.1"},
		{endpoint.HTTP3, nil, "h3"},
		{endpoint.HTTP1AndHTTP2AndHTTP3, nil, "h2 http/1.1"},
		{endpoint.HTTP1AndHTTP2AndHTTP3, []uint16{v12}, "error"},
	} {
		s := at("x.pem")
		s.Protocols, s.TLSVersions = c.protocols, c.versions
		config, err := Config(Endpoint{Settings: s}, f.options())
		got := "error"
		if err == nil {
			got = strings.Join(config.NextProtos, " ")
		}
		if got != c.want || err != nil && problem(err) != BadCombination {
			t.Errorf("%s with %x: %s, %v", c.protocols, c.versions, got, err)
		}
	}
}

// The certificate comes from the host, then the endpoint, then the default, then the development certificate; all that is
// wrong is reported.
func TestFallback(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("host", "endpoint", "default")
	development := issue(t, "development", newKey(t), nil, nil).tls()
	o := f.options()
	asked := 0
	o.Development = func(bool) (tls.Certificate, string, error) { asked++; return development, "", nil }
	expect := func(e Endpoint, want string) {
		t.Helper()
		c, err := Config(e, o)
		must(t, err)
		if got := shown(t, c, "x"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	any := func(s Settings) map[string]Settings { return map[string]Settings{"*": s} }
	expect(Endpoint{}, "development")
	expect(Endpoint{SNI: map[string]Settings{"x": {}, "y": {}}}, "development")
	if asked != 2 {
		t.Errorf("the development certificate was asked for %d times", asked)
	}
	o.Default = Source{Path: "default.pem"}
	expect(Endpoint{SNI: any(Settings{})}, "default")
	expect(Endpoint{Settings: at("endpoint.pem"), SNI: any(Settings{})}, "endpoint")
	expect(Endpoint{Settings: at("endpoint.pem"), SNI: any(at("host.pem"))}, "host")
	if asked != 2 {
		t.Error("the development certificate was asked for in vain")
	}
	o.Default = Source{Path: "no-default.pem"}
	_, err := Config(Endpoint{SNI: map[string]Settings{"a": at("no-a.pem"), "b": at("no-b.pem"), "c": {}, "d": {}}}, o)
	text := err.Error()
	for _, want := range []string{"Kestrel:Endpoints:Web:Sni:a:Certificate: ", "no-a.pem", "Kestrel:Endpoints:Web:Sni:b:Certificate: ", "Kestrel:Certificates:Default: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if strings.Count(text, "\n") != 2 {
		t.Errorf("%q", text)
	}
	o.Default = Source{}
	gone := errors.New("gone")
	o.Development = func(bool) (tls.Certificate, string, error) { return tls.Certificate{}, "", gone }
	if _, err := Config(Endpoint{}, o); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func BenchmarkLookup(b *testing.B) {
	f := newFolder(b)
	f.serving("x")
	o := f.options()
	o.Now = nil
	c, err := Config(Endpoint{SNI: map[string]Settings{"www.example.org": at("x.pem"), "*.example.org": at("x.pem"), "*": at("x.pem")}}, o)
	must(b, err)
	for _, name := range []string{"www.example.org", "a.b.example.org", "elsewhere.net"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			hello := &tls.ClientHelloInfo{ServerName: name, SupportedProtos: []string{"h2", "http/1.1"}}
			for b.Loop() {
				host, err := c.GetConfigForClient(hello)
				must(b, err)
				if cert, err := host.GetCertificate(hello); cert == nil || err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
