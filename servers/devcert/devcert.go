// Package devcert keeps the certificate that HTTPS on this machine is served with: a certification authority (CA) of
// the user's own, and a certificate for localhost that it signed. Ensure makes what is missing, Load and Check only look.
//
// It does not make anybody trust the CA (package trust does), starts no program, opens no socket and prints nothing.
// It reads and writes PKCS#12 (PFX), too, and needs a library for that alone. All functions may be called from several goroutines and by several
// processes at once: files appear whole or not at all, a lock in the folder lets one maker work at a time, and all
// others get what that one made.
package devcert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"time"
)

// How long things last. Browsers refuse certificates for servers that are valid for more than 398 days.
const (
	leafLife  = 396 * 24 * time.Hour
	renewTime = 30 * 24 * time.Hour // what is left when a new one is made
	caRest    = 60 * 24 * time.Hour // what must be left of a CA that signs
	caYears   = 10
)

// Options say where to look. The zero value means this process's environment and the present time.
type Options struct {
	// Dir is the folder for the files; "" is DefaultDir.
	Dir string

	// Names are names beyond the usual ones (see Names) that the certificate has to hold, such as api.localhost. They
	// must be names that the CA may sign for, or Ensure gives a *NameError. They are kept when it is renewed.
	Names []string

	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string

	// Now is the present time; nil is time.Now.
	Now func() time.Time
}

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return os.Getenv(name)
	}
	return o.Getenv(name)
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// Source says where a certificate comes from.
type Source string

// The sources, in the order in which they are taken.
const (
	Own    Source = "gorun"  // our CA signed it, or it was imported with its CA
	AspNet Source = "aspnet" // made by dotnet dev-certs, and found in .NET's store or imported; it signed itself
	Mkcert Source = "mkcert" // the CA of mkcert signed it, because that was there and ours was not
)

// Info tells about a certificate.
type Info struct {
	Source Source
	File   string            // certificate and key; "" when there is none
	Leaf   *x509.Certificate // what servers show
	Anchor *x509.Certificate // what has to be trusted: the CA, or Leaf itself with AspNet

	AnchorFile string // where Anchor is as PEM without a key, for tools; "" with AspNet

	Made     bool   // this call made it
	Reason   string // why it was made, "" unless Made: "there was none", "it ended on 2026-01-31", ...
	MadeCA   bool   // this call made a new CA too, which nobody trusts yet
	Leftover error  // with a nil error: why a certificate that ends soon could not be renewed
}

// Load gives the certificate that is there, ready for tls.Config, and changes nothing. Without a usable one the error
// is a *StateError.
func Load(o Options) (tls.Certificate, Info, error) {
	f, err := o.files()
	if err != nil {
		return tls.Certificate{}, Info{}, err
	}
	return f.load(o)
}

// Check is Load for those who want no key.
func Check(o Options) (Info, error) {
	_, info, err := Load(o)
	return info, err
}

// Ensure gives the certificate, and makes one when there is none, when it is broken, does not belong to its key or to
// a CA that is still there, lacks a name, or ends within 30 days. An error is a *NameError, a *WriteError, a
// *NoFolderError or of the system.
func Ensure(o Options) (tls.Certificate, Info, error) {
	if err := checkNames(o.Names); err != nil {
		return tls.Certificate{}, Info{}, err
	}
	f, err := o.files()
	if err != nil {
		return tls.Certificate{}, Info{}, err
	}
	cert, info, err := f.load(o)
	if err == nil && wanting(info, o) == "" {
		return cert, info, nil
	}
	made, madeInfo, makeErr := f.make(o)
	if makeErr != nil && err == nil && o.covers(info.Leaf) { // it still serves
		info.Leftover = makeErr
		return cert, info, nil
	}
	return made, madeInfo, makeErr
}

// wanting says why a usable certificate is to be replaced all the same, or "".
func wanting(info Info, o Options) string {
	if info.Source == AspNet {
		return "" // not ours to renew
	}
	if !o.covers(info.Leaf) {
		return "it lacked a name"
	}
	if info.Leaf.NotAfter.Sub(o.now()) < renewTime {
		return "it ended soon, on " + day(info.Leaf.NotAfter)
	}
	return ""
}

func (o Options) covers(leaf *x509.Certificate) bool {
	return !slices.ContainsFunc(dnsNames(o.Names), func(name string) bool { return !slices.Contains(leaf.DNSNames, name) })
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// make makes a certificate under the lock, unless another process did so meanwhile.
func (f files) make(o Options) (tls.Certificate, Info, error) {
	if err := f.prepare(); err != nil {
		return tls.Certificate{}, Info{}, err
	}
	unlock, err := lock(f.lock)
	if err != nil {
		return tls.Certificate{}, Info{}, &WriteError{f.lock, err}
	}
	defer unlock()
	cert, old, err := f.load(o)
	reason := ""
	if err != nil {
		reason = err.Error()
		if state, ok := errors.AsType[*StateError](err); ok {
			reason = state.Reason
		}
	} else if reason = wanting(old, o); reason == "" {
		return cert, old, nil
	}
	madeCA, err := f.sign(o, old)
	if err != nil {
		return tls.Certificate{}, Info{}, err
	}
	cert, info, err := f.load(o)
	info.Made, info.Reason, info.MadeCA = true, reason, madeCA
	return cert, info, err
}

// sign writes a new certificate, signed by the CA that there is, or by a new one.
func (f files) sign(o Options, old Info) (madeCA bool, err error) {
	signer, err := f.signer(o)
	if err != nil {
		if signer, err = newCA(o); err != nil {
			return false, err
		}
		if err := f.writeCA(signer); err != nil {
			return false, err
		}
		madeCA = true
	}
	names := o.Names
	if old.Leaf != nil && old.Source != AspNet {
		names = slices.Concat(names, slices.DeleteFunc(slices.Clone(old.Leaf.DNSNames), func(name string) bool {
			return !mayName(strings.ToLower(name)) // it was imported
		}))
	}
	leaf, err := newLeaf(signer, dnsNames(names), o.now())
	if err != nil {
		return madeCA, err
	}
	return madeCA, f.writeLeaf(leaf, signer.cert)
}
