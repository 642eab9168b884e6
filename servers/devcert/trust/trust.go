// Package trust makes the system and its browsers trust a development CA, takes that back, and looks whether it is so.
//
// It calls the tools that each system has for its stores (update-ca-certificates, certutil, security), and sudo where a person
// watches. It makes no certificates (package devcert does) and prints nothing: each store gives a Result, with the
// commands for what it could not do. What it adds carries its own name in each store, so that Remove takes away that
// and nothing else. The functions may be called from several goroutines; two at once on the same store are
// one too many.
package trust

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// State is how it stands with a store.
type State string

const (
	Trusted   State = "trusted"     // it was trusted already
	Added     State = "added"       // it is trusted from now on
	Removed   State = "removed"     // it is not any more
	Untrusted State = "not trusted" // it is not trusted, or was not
	Failed    State = "failed"      // Todo says what to do by hand
)

// Result is what became of one store.
type Result struct {
	Store string   `json:"store"`          // "system", "chromium", "firefox", "keychain", "windows"
	Place string   `json:"place"`          // a file or folder
	State State    `json:"state"`          //
	Why   string   `json:"why,omitempty"`  // with Failed: lower case, no full stop
	Todo  []string `json:"todo,omitempty"` // commands that can be pasted into a shell, in order
}

// Options say which stores there are. The zero value means this user on this system, with nobody who could be asked for a password.
type Options struct {
	// Getenv reads the environment; nil is os.Getenv. HOME (and XDG_DATA_HOME, XDG_CONFIG_HOME) say where browsers keep
	// their stores, SSL_CERT_FILE and SSL_CERT_DIR where Go and OpenSSL read theirs.
	Getenv func(string) string

	// Root is put before the paths of the system's store on Linux; "" is the real one. Its tool gets the same folders,
	// which only that of Debian can be told.
	Root string

	// File is a file with the certificate, for the commands of Result.Todo; "" says gorun-ca.pem.
	File string

	// Interactive says that a person watches: sudo may ask for a password on the terminal.
	Interactive bool

	// Stores are the stores to work on, by the names of Result.Store; nil is all that this system has.
	Stores []string
}

// patience is how long one tool may take. Where a person is asked for a password there is more.
const (
	patience      = 60 * time.Second
	patienceAsked = 10 * time.Minute
)

// store is one place that decides whom to trust.
type store interface {
	name() (store, place string)
	// trusts reports whether cert is trusted there now, whoever saw to it.
	trusts(ctx context.Context, cert *x509.Certificate) (bool, error)
	// add makes it trusted.
	add(ctx context.Context, cert *x509.Certificate) error
	// remove takes away all that add ever added for this user, and reports whether there was anything. cert is
	// nil where it is not known.
	remove(ctx context.Context, cert *x509.Certificate) (bool, error)
}

// Check looks whether anchor is trusted, store by store. It changes nothing and asks nobody. A store that cannot be
// looked at is Failed. The list is empty where there is no store.
func Check(ctx context.Context, anchor *x509.Certificate, o Options) []Result {
	return o.each(func(s store) (State, error) {
		trusted, err := s.trusts(ctx, anchor)
		if !trusted {
			return Untrusted, err
		}
		return Trusted, err
	})
}

// Add makes anchor trusted in every store, and proves it afterwards. The list is empty where there is no store.
func Add(ctx context.Context, anchor *x509.Certificate, o Options) []Result {
	return o.each(func(s store) (State, error) {
		if trusted, err := s.trusts(ctx, anchor); trusted || err != nil {
			return Trusted, err
		}
		if err := s.add(ctx, anchor); err != nil {
			return Failed, err
		}
		if trusted, err := s.trusts(ctx, anchor); !trusted || err != nil {
			return Failed, cmp.Or[error](err, &storeError{why: "the tool succeeded, and still the certificate is not trusted"})
		}
		return Added, nil
	})
}

// Remove takes away what Add ever added to any store of this user, and only that. anchor is the certificate that is trusted now, or nil.
// On macOS and Windows, whose stores keep no name of ours, nothing is found without it.
func Remove(ctx context.Context, anchor *x509.Certificate, o Options) []Result {
	return o.each(func(s store) (State, error) {
		removed, err := s.remove(ctx, anchor)
		if !removed {
			return Untrusted, err
		}
		return Removed, err
	})
}

// OK reports whether every store trusts. It is false for no stores.
func OK(results []Result) bool {
	for _, r := range results {
		if r.State != Trusted && r.State != Added {
			return false
		}
	}
	return len(results) > 0
}

// each does the same to every store.
func (o Options) each(do func(store) (State, error)) []Result {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	var results []Result
	for _, s := range o.stores(runtime.GOOS) {
		name, place := s.name()
		if o.Stores != nil && !slices.Contains(o.Stores, name) {
			continue
		}
		r := Result{Store: name, Place: place}
		var err error
		if r.State, err = do(s); err != nil {
			r.State, r.Why, r.Todo = Failed, err.Error(), todo(err)
		}
		results = append(results, r)
	}
	return results
}

// file is the certificate's in commands for people.
func (o Options) file() string { return cmp.Or(o.File, "gorun-ca.pem") }

// stores are those of a system.
func (o Options) stores(goos string) []store {
	switch goos {
	case "darwin":
		return []store{keychain{o}}
	case "windows":
		return []store{windowsStore{o}}
	}
	return append([]store{systemStore{o}}, o.databases()...)
}

// storeError is what a store could not do.
type storeError struct {
	why  string
	todo []string
}

func (e *storeError) Error() string { return e.why }

// label is the name of a certificate in stores that have names. Everything that begins with labelPrefix is ours.
func label(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return labelPrefix + strings.ToLower(hex.EncodeToString(sum[:6]))
}

const labelPrefix = "gorun-development-ca-"
