package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"
)

func TestClients(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("server")
	ca := issue(t, "clients", newKey(t), nil, asCA)
	good := issue(t, "good", newKey(t), ca, forClient).tls()
	stranger := issue(t, "stranger", newKey(t), nil, forClient).tls()
	ended := issue(t, "ended", newKey(t), ca, func(c *x509.Certificate) { forClient(c); c.NotAfter = time.Now().Add(-time.Minute) }).tls()
	server := issue(t, "no client", newKey(t), ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }).tls()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			mode *ClientMode
			show *tls.Certificate
			want string // the client as the server sees it, or "refused"
		}{
			{nil, &good, ""}, {mode(NoCertificate), &good, ""}, {mode(NoCertificate), nil, ""},
			{mode(AllowCertificate), nil, ""}, {mode(AllowCertificate), &good, "good"},
			{mode(AllowCertificate), &stranger, "refused"}, {mode(AllowCertificate), &ended, "refused"},
			{mode(RequireCertificate), nil, "refused"}, {mode(RequireCertificate), &good, "good"},
			{mode(RequireCertificate), &stranger, "refused"}, {mode(RequireCertificate), &server, "refused"},
		} {
			o := f.options()
			o.ClientCAs = ca.pool()
			s := at("server.pem")
			s.Clients = c.mode
			config, err := Config(Endpoint{Settings: s}, o)
			must(t, err)
			if got := seen(t, config, showing(asking("x"), c.show, version)); got != c.want {
				t.Errorf("%s, mode %v, %v: %s, want %s", tls.VersionName(version), c.mode, c.show != nil, got, c.want)
			}
		}
	}
}

// showing has a client show a certificate, whoever the server wants one from; nil shows none.
func showing(client *tls.Config, cert *tls.Certificate, version uint16) *tls.Config {
	client.MinVersion, client.MaxVersion = version, version
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if cert == nil {
			return &tls.Certificate{}, nil
		}
		return cert, nil
	}
	return client
}

// seen is the name of the client as the server sees it.
func seen(t *testing.T, server, client *tls.Config) string {
	t.Helper()
	state, _, err := shake(t, server, client)
	switch {
	case err != nil:
		return "refused"
	case len(state.PeerCertificates) == 0:
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// The app's function decides alone, and about resumed sessions, too.
func TestVerifyClient(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("server")
	client := issue(t, "self-signed", newKey(t), nil, nil).tls()
	allowed := true
	o := f.options()
	o.VerifyClient = func(chain []*x509.Certificate) error {
		if !allowed || chain[0].Subject.CommonName != "self-signed" {
			return errors.New("not you")
		}
		return nil
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		allowed = true
		s := at("server.pem")
		s.Clients = mode(RequireCertificate)
		config, err := Config(Endpoint{Settings: s}, o)
		must(t, err)
		c := showing(asking("x"), &client, version)
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		if got := seen(t, config, c); got != "self-signed" {
			t.Errorf("the client is %q", got)
		}
		if state, _, err := shake(t, config, c); err != nil || !state.DidResume {
			t.Errorf("resumed: %v, %v", state.DidResume, err)
		}
		allowed = false
		if got := seen(t, config, c); got != "refused" {
			t.Errorf("no longer allowed, the client is %q", got)
		}
		if got := seen(t, config, showing(asking("x"), nil, version)); got != "refused" {
			t.Errorf("without a certificate the client is %q", got)
		}
	}
}

// A session is resumed where it was begun, and nowhere else: not under a host with other demands, and not after the client's CA has
// ended.
func TestTickets(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("server")
	ca := issue(t, "clients", newKey(t), nil, func(c *x509.Certificate) { asCA(c); c.NotAfter = time.Now().Add(2 * time.Hour) })
	good := issue(t, "good", newKey(t), ca, forClient).tls()
	o := f.options()
	o.ClientCAs = ca.pool()
	config, err := Config(Endpoint{Settings: at("server.pem"), SNI: map[string]Settings{
		"open": {}, "also-open": {}, "allows": {Clients: mode(AllowCertificate)}, "requires": {Clients: mode(RequireCertificate)},
	}}, o)
	must(t, err)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		begin := func(name string) *tls.Config {
			c := showing(asking(name), &good, version)
			c.ClientSessionCache = sessions{tls.NewLRUClientSessionCache(1)}
			_, _, err := shake(t, config, c)
			must(t, err)
			return c
		}
		for _, hop := range []struct {
			from, to string
			want     bool
		}{
			{"open", "open", true}, {"requires", "requires", true}, {"allows", "allows", true},
			{"open", "also-open", false}, {"open", "requires", false}, {"allows", "requires", false}, {"requires", "open", false},
		} {
			c := begin(hop.from)
			c.ServerName = hop.to
			state, _, err := shake(t, config, c)
			if err != nil || state.DidResume != hop.want {
				t.Errorf("%s, from %s to %s: resumed %v, %v", tls.VersionName(version), hop.from, hop.to, state.DidResume, err)
			}
		}
	}
	c := showing(asking("requires"), &good, tls.VersionTLS13)
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	_, _, err = shake(t, config, c)
	must(t, err)
	f.later(3 * time.Hour) // the client's certificate goes on, its CA does not
	if got := seen(t, config, c); got != "refused" {
		t.Errorf("with a CA that has ended the client is %q", got)
	}
}

// sessions is a client that takes its session to any host name.
type sessions struct{ tls.ClientSessionCache }

func (s sessions) Get(string) (*tls.ClientSessionState, bool)  { return s.ClientSessionCache.Get("") }
func (s sessions) Put(_ string, state *tls.ClientSessionState) { s.ClientSessionCache.Put("", state) }
