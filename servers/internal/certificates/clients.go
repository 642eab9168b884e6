package certificates

import "crypto/tls"

// askClients sets what clients have to show. Resumed sessions carry the client's certificate over from the time when
// it was shown first. crypto/tls looks again whether it and its CA are still good (since Go 1.26), and the app's function is asked
// again, too.
func (o Options) askClients(c *tls.Config, mode *ClientMode) {
	if mode == nil || *mode == NoCertificate {
		return
	}
	required := *mode == RequireCertificate
	if o.VerifyClient == nil {
		c.ClientCAs = o.ClientCAs
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if required {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
		return
	}
	c.ClientAuth = tls.RequestClientCert
	if required {
		c.ClientAuth = tls.RequireAnyClientCert
	}
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return nil
		}
		return o.VerifyClient(s.PeerCertificates)
	}
}

// keepTickets has a configuration resume its own sessions alone. Without it, configurations that
// tls.Config.GetConfigForClient gives share the keys of the outer one, and a session begun under a host name that asks for no
// certificate, or for other ones, could go on under this one.
func keepTickets(c *tls.Config) {
	c.WrapSession = c.EncryptTicket
	c.UnwrapSession = c.DecryptTicket
}
