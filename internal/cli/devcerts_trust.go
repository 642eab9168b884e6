package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/devcert/trust"
)

// untrustedError is a store that could not be made to trust, or to forget.
type untrustedError struct{ result trust.Result }

func (e *untrustedError) Error() string {
	return fmt.Sprintf("%s (%s): %s", e.result.Store, e.result.Place, e.result.Why)
}

// Details are the commands that do it by hand.
func (e *untrustedError) Details() []string { return e.result.Todo }

// Hint says what the lines above are for.
func (e *untrustedError) Hint() string {
	if len(e.result.Todo) == 0 {
		return ""
	}
	return "the commands above do it"
}

// tellStores tells what became of each store.
func (w *world) tellStores(results []trust.Result) (failed bool) {
	for _, r := range results {
		switch r.State {
		case trust.Failed:
			failed = true
			w.ui.Problem(&untrustedError{r})
		case trust.Added:
			w.ui.Say("%s trusts it from now on: %s", r.Store, w.ui.Path(r.Place))
		case trust.Trusted:
			w.ui.Say("%s trusts it: %s", r.Store, w.ui.Path(r.Place))
		case trust.Removed:
			w.ui.Say("removed from %s: %s", r.Store, w.ui.Path(r.Place))
		case trust.Untrusted:
			w.ui.Detail("%s does not have it: %s", r.Store, w.ui.Path(r.Place))
		}
	}
	return failed
}

func (w *world) trustCert(ctx context.Context, info devcert.Info) error {
	results := trust.Add(ctx, info.Anchor, w.trustOptions(info))
	w.tellStores(results)
	if !trust.OK(results) {
		return exitStatus(certNotTrust)
	}
	if slices.ContainsFunc(results, func(r trust.Result) bool { return r.State == trust.Added && r.Store != "system" }) {
		w.ui.Say("a browser that runs now sees it after a restart")
	}
	return nil
}

// checkCert says how it stands, and changes nothing.
func (w *world) checkCert(ctx context.Context, trusted bool) error {
	info, err := devcert.Check(w.certOptions())
	if err != nil {
		return w.ends(certStatus(err), err)
	}
	w.ui.Say("a valid https certificate is there, until %s: %s", info.Leaf.NotAfter.Format(time.DateOnly), w.ui.Path(info.File))
	if !trusted {
		return nil
	}
	results := trust.Check(ctx, info.Anchor, w.trustOptions(info))
	w.tellStores(results)
	if trust.OK(results) {
		return nil
	}
	return w.ends(certUntrusted, &notTrustedError{untrusted(results)})
}

func certStatus(err error) int {
	if state, ok := errors.AsType[*devcert.StateError](err); ok && state.State == devcert.Broken {
		return certBroken
	}
	return certNone
}

// notTrustedError is a certificate that not everybody here trusts.
type notTrustedError struct{ stores []string }

func (e *notTrustedError) Error() string {
	return "the certificate is not trusted by " + strings.Join(e.stores, ", ")
}

// Hint says what changes it.
func (e *notTrustedError) Hint() string { return "`gorun dev-certs https --trust`" }

// untrusted names the stores that do not trust.
func untrusted(results []trust.Result) []string {
	var names []string
	for _, r := range results {
		if r.State != trust.Trusted && r.State != trust.Added && !slices.Contains(names, r.Store) {
			names = append(names, r.Store)
		}
	}
	return names
}

// cleanCert undoes everything. The trust goes first: macOS and Windows find it by the certificate.
func (w *world) cleanCert(ctx context.Context) error {
	info, _ := devcert.Check(w.certOptions()) // also a broken one tells whom to trust no longer
	failed := w.tellStores(trust.Remove(ctx, info.Anchor, w.trustOptions(info)))
	if failed && runtime.GOOS != "linux" {
		return exitStatus(certNotCleaned)
	}
	removed, err := devcert.Remove(w.certOptions())
	if err != nil {
		return w.ends(certNotCleaned, err)
	}
	if failed {
		return exitStatus(certNotCleaned)
	}
	if removed {
		w.ui.Say("removed the certificate and its CA")
	} else {
		w.ui.Say("there was no certificate of gorun's")
	}
	return nil
}

// certReport is a certificate in the words of dotnet dev-certs https --check-trust-machine-readable, and the stores.
type certReport struct {
	Thumbprint string
	Subject    string
	Names      []string `json:"X509SubjectAlternativeNameExtension"`
	NotBefore  string   `json:"ValidityNotBefore"`
	NotAfter   string   `json:"ValidityNotAfter"`
	IsDevCert  bool     `json:"IsHttpsDevelopmentCertificate"`
	Exportable bool     `json:"IsExportable"`
	TrustLevel string   // None, Partial or Full
	Source     devcert.Source
	File       string
	Anchor     string // the CA's certificate
	Stores     []trust.Result
}

func (w *world) certJSON(ctx context.Context) error {
	info, err := devcert.Check(w.certOptions())
	if err != nil {
		return errors.Join(w.ui.JSON([]certReport{}), w.ends(certStatus(err), err))
	}
	results := trust.Check(ctx, info.Anchor, w.trustOptions(info))
	level, status := "Full", error(nil)
	if missing := untrusted(results); !trust.OK(results) {
		level, status = "Partial", exitStatus(certUntrusted)
		if len(missing) == len(results) {
			level = "None"
		}
	}
	names := slices.Clone(info.Leaf.DNSNames)
	for _, ip := range info.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return errors.Join(w.ui.JSON([]certReport{{
		Thumbprint: trust.Thumbprint(info.Leaf), Subject: info.Leaf.Subject.String(), Names: names,
		NotBefore: info.Leaf.NotBefore.Format(time.RFC3339), NotAfter: info.Leaf.NotAfter.Format(time.RFC3339),
		IsDevCert: true, Exportable: true, TrustLevel: level,
		Source: info.Source, File: info.File, Anchor: info.AnchorFile, Stores: nonNil(results),
	}}), status)
}
