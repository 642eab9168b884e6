package servers

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// certificate gives what https is served with on this machine, or nil where no socket is for https: the local
// certificate, which is made at its first use. The user is told when nobody can trust it yet, under gorun, too.
func (o options) certificate(sockets []socket) (*tls.Config, error) {
	var names []string
	needed := false
	for _, s := range sockets {
		if s.isTLS() {
			needed = true
			if strings.HasSuffix(s.asked.Host, ".localhost") {
				names = append(names, s.asked.Host)
			}
		}
	}
	if !needed {
		return nil, nil
	}
	cert, info, err := devcert.Ensure(devcert.Options{Getenv: o.getenv, Names: names})
	if err != nil {
		return nil, fmt.Errorf("there is no certificate for https: %w", err)
	}
	if info.MadeCA {
		fmt.Fprintf(o.stderr, "made a certificate for https: %s\nhint: `gorun dev-certs https --trust` has browsers trust it\n", info.File)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   kestrel.Protocols(),
	}, nil
}

func (s socket) isTLS() bool { return s.asked.Scheme == "https" }
