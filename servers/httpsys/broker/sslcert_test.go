package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

func TestParseBinding(t *testing.T) {
	t.Parallel()
	for in, want := range map[SSLCert]string{ // the name, or a part of the error
		{HostnamePort: "API.localhost.:443"}:              "hostnameport=api.localhost:443",
		{HostnamePort: "bücher.example:8443"}:             "hostnameport=xn--bcher-kva.example:8443",
		{IPPort: "127.0.0.1:443"}:                         "ipport=127.0.0.1:443",
		{IPPort: "[::ffff:127.0.0.1]:443"}:                "ipport=127.0.0.1:443",
		{IPPort: "[0:0:0::1]:443"}:                        "ipport=[::1]:443",
		{IPPort: "0.0.0.0:443"}:                           "ipport=0.0.0.0:443",
		{}:                                                "either hostnameport or ipport",
		{HostnamePort: "a:1", IPPort: "1.1.1.1:1"}:        "either hostnameport or ipport",
		{HostnamePort: "localhost"}:                       "has no port",
		{HostnamePort: "127.0.0.1:443"}:                   "that is ipport",
		{HostnamePort: "[::1]:443"}:                       "that is ipport",
		{HostnamePort: "*.localhost:443"}:                 "names no host",
		{HostnamePort: ":443"}:                            "names no host",
		{HostnamePort: "a b:443"}:                         "names no host",
		{HostnamePort: strings.Repeat("a.", 200) + "b:1"}: "names no host",
		{HostnamePort: "a:0"}:                             "no port from 1 to 65535",
		{HostnamePort: "a:0443"}:                          "no port from 1 to 65535",
		{HostnamePort: "a:65536"}:                         "no port from 1 to 65535",
		{HostnamePort: "a:"}:                              "no port from 1 to 65535",
		{HostnamePort: "a:+1"}:                            "no port from 1 to 65535",
		{IPPort: "localhost:443"}:                         "no address with a port",
		{IPPort: "127.0.0.1"}:                             "no address with a port",
		{IPPort: "[fe80::1%1]:443"}:                       "no address with a port",
		{IPPort: "127.0.0.1:0"}:                           "no port from 1 to 65535",
		{IPPort: "127.0.0.1:00443"}:                       "no port from 1 to 65535",
	} {
		in.Cert = "cert.pem"
		b, err := parseBinding(in)
		got := b.Name()
		if err != nil {
			got = err.Error()
		}
		if err == nil != strings.Contains(want, "=") || !strings.Contains(got, want) {
			t.Errorf("%+v: got %s, want %s", in, got, want)
		}
	}
}

func TestFindBinding(t *testing.T) {
	t.Parallel()
	var all bindings
	for _, c := range []SSLCert{
		{HostnamePort: "api.localhost:443"}, {HostnamePort: "api.localhost:8443"}, {IPPort: "127.0.0.1:443"}, {IPPort: "0.0.0.0:443"}, {IPPort: "[::]:443"},
		{IPPort: "0.0.0.0:8443"},
	} {
		c.Cert = "c"
		b, err := parseBinding(c)
		must(t, err)
		all = append(all, b)
	}
	for _, test := range []struct{ name, local, want string }{
		{"api.localhost", "127.0.0.1:443", "ipport=127.0.0.1:443"},
		{"api.localhost", "127.0.0.2:443", "hostnameport=api.localhost:443"},
		{"API.localhost", "[::ffff:10.0.0.1]:443", "hostnameport=api.localhost:443"},
		{"api.localhost", "127.0.0.1:8443", "hostnameport=api.localhost:8443"},
		{"other.localhost", "[::ffff:127.0.0.1]:443", "ipport=127.0.0.1:443"},
		{"", "127.0.0.1:443", "ipport=127.0.0.1:443"},
		{"", "10.0.0.1:443", "ipport=0.0.0.0:443"},
		{"", "[::1]:443", "ipport=[::]:443"},
		{"", "[::1]:8443", "ipport=0.0.0.0:8443"},
		{"api.localhost", "127.0.0.1:80", ""},
	} {
		got := ""
		if b := all.find(test.name, netip.MustParseAddrPort(test.local)); b != nil {
			got = b.Name()
		}
		if got != test.want {
			t.Errorf("%q at %s: %q, want %q", test.name, test.local, got, test.want)
		}
	}
}

func TestAddSSLCert(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	good, other := issue(t, nil, "api.localhost", "127.0.0.1"), issue(t, nil, "other")
	ended := issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "api.localhost")
	pfx, err := pkcs12.Modern.Encode(good.key, good.cert, nil, "secret")
	must(t, err)
	cert, key := s.put("c.pem", good.certPEM()), s.put("c.key", good.keyPEM(t))
	both := s.put("both.pem", append(good.certPEM(), good.keyPEM(t)...))
	for name, test := range map[string]struct {
		c       SSLCert
		warning string
		err     string
		hint    string
	}{
		"two files":        {c: SSLCert{HostnamePort: "api.localhost:1", Cert: cert, Key: key}},
		"one file":         {c: SSLCert{HostnamePort: "api.localhost:2", Cert: both}},
		"PFX":              {c: SSLCert{IPPort: "127.0.0.1:3", Cert: s.put("c.pfx", pfx), Password: "secret"}},
		"any address":      {c: SSLCert{IPPort: "0.0.0.0:4", Cert: both}},
		"another host":     {c: SSLCert{HostnamePort: "x.localhost:5", Cert: both}, warning: "not for x.localhost but for api.localhost, 127.0.0.1"},
		"another address":  {c: SSLCert{IPPort: "[::1]:6", Cert: both}, warning: "not for ::1 but for"},
		"has ended":        {c: SSLCert{HostnamePort: "api.localhost:7", Cert: s.put("e.pem", append(ended.certPEM(), ended.keyPEM(t)...))}, warning: "ended on"},
		"another's key":    {c: SSLCert{HostnamePort: "api.localhost:8", Cert: cert, Key: s.put("o.key", other.keyPEM(t))}, err: "does not belong to the certificate", hint: "renewed together"},
		"no key":           {c: SSLCert{HostnamePort: "api.localhost:9", Cert: cert}, err: "holds no private key", hint: "key=FILE"},
		"no file":          {c: SSLCert{HostnamePort: "api.localhost:10", Cert: cert + "x"}, err: "cannot be read", hint: "path"},
		"nonsense":         {c: SSLCert{HostnamePort: "api.localhost:11", Cert: s.put("n", []byte("nonsense"))}, err: "no certificate that can be used", hint: "cert="},
		"wrong password":   {c: SSLCert{HostnamePort: "api.localhost:12", Cert: s.put("c.pfx", pfx), Password: "no"}, err: "does not open", hint: "password="},
		"missing password": {c: SSLCert{HostnamePort: "api.localhost:13", Cert: s.put("c.pfx", pfx)}, err: "there is no password", hint: "password="},
	} {
		added, warnings, err := s.AddSSLCert(test.c)
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.err == "":
			if got := strings.Join(warnings, "\n"); !strings.Contains(got, test.warning) || test.warning == "" && got != "" {
				t.Errorf("%s: warnings %q, want %q", name, warnings, test.warning)
			}
			if _, _, err := s.AddSSLCert(test.c); err == nil || !strings.HasSuffix(err.(*BoundError).Hint(), "delete sslcert "+added.Name()) {
				t.Errorf("%s: added twice: %v", name, err)
			}
		default:
			e, ok := errors.AsType[*CertificateError](err)
			if !ok || !strings.Contains(e.Error(), test.err) || !strings.Contains(e.Hint(), test.hint) || !strings.HasPrefix(e.Error(), test.c.Name()+": ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := len(s.SSLCerts()); n != 7 {
		t.Errorf("%d were added", n)
	}
	if err := s.DeleteSSLCert(SSLCert{HostnamePort: "nobody:1"}); err == nil || err.(*NoBindingError).Name != "hostnameport=nobody:1" {
		t.Errorf("deleted: %v", err)
	}
}

func mustPrefix(t testing.TB, text string) urlprefix.Prefix {
	t.Helper()
	p, err := urlprefix.Parse(text)
	must(t, err)
	return p
}

// A worker gets the bindings that its clients may be shown, with keys that fit.
func TestCertificatesForWorkers(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	api := s.bind(SSLCert{HostnamePort: "api.localhost:443"}, "api.localhost")
	s.bind(SSLCert{HostnamePort: "web.localhost:443"}, "web.localhost")
	s.bind(SSLCert{HostnamePort: "safe.localhost:443", ClientCertNegotiation: true}, "safe.localhost")
	s.bind(SSLCert{IPPort: "0.0.0.0:443"}, "localhost")
	s.bind(SSLCert{IPPort: "0.0.0.0:8443"}, "localhost")
	for prefix, want := range map[string]string{
		"https://api.localhost:443/":  "api.localhost:443 0.0.0.0:443",
		"https://*.localhost:443/":    "api.localhost:443 web.localhost:443 0.0.0.0:443",
		"https://safe.localhost:443/": "0.0.0.0:443",
		"https://+:443/app/":          "api.localhost:443 web.localhost:443 0.0.0.0:443",
		"https://127.0.0.1:8443/":     "0.0.0.0:8443",
		"http://api.localhost:443/":   "",
		"https://api.localhost:9000/": "",
	} {
		var got []string
		for _, c := range s.certificates([]urlprefix.Prefix{mustPrefix(t, "https://api.localhost:1/"), mustPrefix(t, prefix)}) {
			got = append(got, c.Host+c.Addr)
			pair, err := tls.X509KeyPair(c.Chain, c.Key)
			must(t, err)
			if c.Host == "api.localhost:443" && !pair.Leaf.Equal(api.cert) {
				t.Errorf("%s has another certificate", c.Host)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", prefix, got, want)
		}
	}
	if none := (*Store)(nil).certificates([]urlprefix.Prefix{mustPrefix(t, "https://+:443/")}); none != nil {
		t.Errorf("without a store: %v", none)
	}
}

// A certificate that was renewed counts after a reload; one that is broken stays as it was.
func TestCertificateRenewed(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	first := s.bind(SSLCert{HostnamePort: "a.localhost:443"}, "a.localhost")
	c := s.SSLCerts()[0]
	shown := func() *x509.Certificate {
		needed := s.certificates([]urlprefix.Prefix{mustPrefix(t, "https://a.localhost:443/")})
		if len(needed) != 1 {
			t.Fatalf("%d certificates", len(needed))
		}
		pair, err := tls.X509KeyPair(needed[0].Chain, needed[0].Key)
		must(t, err)
		return pair.Leaf
	}
	if !shown().Equal(first.cert) {
		t.Error("not the first")
	}
	second := issue(t, nil, "a.localhost")
	must(t, os.WriteFile(c.Cert, second.certPEM(), 0o600))
	must(t, os.WriteFile(c.Key, second.keyPEM(t), 0o600))
	must(t, s.reload())
	if !shown().Equal(second.cert) {
		t.Error("not the second")
	}
	must(t, os.Remove(c.Key))
	must(t, s.reload())
	if !shown().Equal(second.cert) {
		t.Error("it did not stay")
	}
	other, err := s.again() // has never read it
	must(t, err)
	var state wire.State
	other.describe(&state)
	s.describe(&state)
	if all := state.Certificates; len(all) != 2 || !strings.Contains(all[0].Problem, "cannot be read") || all[1].Problem != "" || all[1].NotAfter.IsZero() {
		t.Errorf("described: %+v", all)
	}
}
