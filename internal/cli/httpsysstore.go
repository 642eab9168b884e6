package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// brokerStore is what is kept for the broker.
func (w *world) brokerStore() (*broker.Store, error) {
	return broker.OpenStore(broker.StoreOptions{Getenv: w.getenv})
}

// certOf is the binding that was named.
func (w *world) certOf(deed string, asked httpsysAsked) (broker.SSLCert, error) {
	cert := broker.SSLCert{HostnamePort: asked.values["hostnameport"], IPPort: asked.values["ipport"]}
	if (cert.HostnamePort == "") == (cert.IPPort == "") {
		return cert, usage(deed+" wants hostnameport= or ipport=, and not both", "such as `gorun httpsys "+deed+" hostnameport=api.localhost:443"+certExample(deed)+"`")
	}
	return cert, nil
}

func certExample(deed string) string {
	if deed == "add sslcert" {
		return " cert=api.pem key=api.key"
	}
	return ""
}

func (w *world) addSSLCert(ctx context.Context, asked httpsysAsked) error {
	const deed = "add sslcert"
	cert, err := w.certOf(deed, asked)
	if err != nil {
		return err
	}
	if cert.Cert, err = asked.need(deed, "cert", deed+" hostnameport=api.localhost:443"+certExample(deed)); err != nil {
		return err
	}
	cert.Cert = w.abs(cert.Cert)
	if key := asked.values["key"]; key != "" {
		cert.Key = w.abs(key)
	}
	cert.Password = asked.values["password"]
	switch negotiate := asked.values["clientcertnegotiation"]; negotiate {
	case "", "disable":
	case "enable":
		cert.ClientCertNegotiation = true
	default:
		return usage("clientcertnegotiation="+negotiate+" is neither enable nor disable", "clientcertnegotiation=enable asks clients for a certificate")
	}
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	added, warnings, err := store.AddSSLCert(cert)
	if err != nil {
		return err
	}
	for _, text := range warnings {
		w.ui.Diagnostic(diagnostic.Diagnostic{Code: "sslcert", Severity: diagnostic.Warning, Message: text})
	}
	w.ui.Say("%s has the certificate %s", added.Name(), w.ui.Path(added.Cert))
	return w.reloadBroker(ctx)
}

func (w *world) deleteSSLCert(ctx context.Context, asked httpsysAsked) error {
	cert, err := w.certOf("delete sslcert", asked)
	if err != nil {
		return err
	}
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	if err := store.DeleteSSLCert(cert); err != nil {
		return err
	}
	w.ui.Say("%s has no certificate any more", cert.Name())
	return w.reloadBroker(ctx)
}

// showSSLCert lists the bindings. Passwords are not shown.
func (w *world) showSSLCert(_ context.Context, asked httpsysAsked) error {
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	certs := store.SSLCerts()
	if len(asked.values) > 0 {
		cert, err := w.certOf("show sslcert", asked)
		if err != nil {
			return err
		}
		named := func(c broker.SSLCert) bool { return strings.EqualFold(c.Name(), cert.Name()) }
		if certs = kept(certs, named); len(certs) == 0 {
			return &nothingKeptError{cert.Name() + " has no certificate", "show sslcert"}
		}
	}
	for i := range certs {
		certs[i].Password = ""
	}
	if asked.json {
		return w.ui.JSON(nonNil(certs))
	}
	if len(certs) == 0 {
		w.ui.Say("no certificate is bound")
		return nil
	}
	for _, u := range store.Unusable() {
		w.ui.Diagnostic(diagnostic.Diagnostic{Code: "sslcert", Severity: diagnostic.Warning, Message: u.Err.Error(), Suggestion: u.Err.Hint()})
	}
	return w.ui.Table([]string{"BINDING", "CERTIFICATE", "KEY"}, mapped(certs, func(c broker.SSLCert) []string {
		return []string{c.Name(), w.shownFile(c.Cert), w.shownFile(c.Key)}
	}))
}

func (w *world) shownFile(path string) string {
	if filepath.IsAbs(path) {
		return w.ui.Path(path)
	}
	return orDash(path)
}

func (w *world) addURLACL(ctx context.Context, asked httpsysAsked) error {
	const deed = "add urlacl"
	const example = deed + " url=http://+:8080/app/ user=Everyone"
	url, err := asked.need(deed, "url", example)
	if err != nil {
		return err
	}
	user, err := asked.need(deed, "user", example)
	if err != nil {
		return err
	}
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	added, err := store.AddURLACL(broker.URLACL{URL: url, User: user})
	if err != nil {
		return err
	}
	w.ui.Say("%s is reserved for %s", added.URL, added.User)
	return w.reloadBroker(ctx)
}

func (w *world) deleteURLACL(ctx context.Context, asked httpsysAsked) error {
	const deed = "delete urlacl"
	url, err := asked.need(deed, "url", deed+" url=http://+:8080/app/")
	if err != nil {
		return err
	}
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	if err := store.DeleteURLACL(url); err != nil {
		return err
	}
	w.ui.Say("%s is reserved for nobody any more", url)
	return w.reloadBroker(ctx)
}

func (w *world) showURLACL(_ context.Context, asked httpsysAsked) error {
	store, err := w.brokerStore()
	if err != nil {
		return err
	}
	acls := store.URLACLs()
	if url := asked.values["url"]; url != "" {
		key := prefixKey(url)
		if acls = kept(acls, func(a broker.URLACL) bool { return prefixKey(a.URL) == key }); len(acls) == 0 {
			return &nothingKeptError{url + " is not reserved", "show urlacl"}
		}
	}
	if asked.json {
		return w.ui.JSON(nonNil(acls))
	}
	if len(acls) == 0 {
		w.ui.Say("no prefix is reserved")
		return nil
	}
	return w.ui.Table([]string{"PREFIX", "USER"}, mapped(acls, func(a broker.URLACL) []string { return []string{a.URL, a.User} }))
}

// prefixKey is the same for texts that are one prefix.
func prefixKey(text string) string {
	p, err := urlprefix.Parse(text)
	if err != nil {
		return text
	}
	return p.Key()
}

// kept are those that fit.
func kept[T any](list []T, fits func(T) bool) []T {
	return slices.DeleteFunc(list, func(v T) bool { return !fits(v) })
}

// nothingKeptError is something asked for by name that is not there.
type nothingKeptError struct{ message, deed string }

func (e *nothingKeptError) Error() string { return e.message }

// Hint is the command that shows all.
func (e *nothingKeptError) Hint() string { return "gorun httpsys " + e.deed }

// reloadBroker has a broker that runs read again what is kept.
func (w *world) reloadBroker(ctx context.Context) error {
	client, err := w.connectBroker(ctx)
	if broker.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Reload(ctx)
}
