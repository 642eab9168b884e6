package certificates

import (
	"fmt"
	"strings"
)

// Problem says what is wrong with a certificate that was asked for.
type Problem uint8

// The problems.
const (
	NotThere       Problem = iota + 1 // the file cannot be opened
	NotACert                          // no certificate is in it, or one that cannot be read
	NoKey                             // there is no private key, or one of an unknown kind
	Mismatch                          // the key belongs to none of the certificates
	NeedsPassword                     // it is encrypted, and there is no password
	WrongPassword                     // the password does not open it
	Unsupported                       // it is encrypted in a way that is not known here
	NoStore                           // this system has no such store, or none that can be read
	NotInStore                        // no certificate of the store fits
	NoneGiven                         // neither a setting nor the development certificate gives one
	BadCombination                    // settings that do not go together
)

// Error is a certificate that cannot be used, or settings of TLS that make no sense.
type Error struct {
	Setting string // what says so, such as "Kestrel:Endpoints:Web:Certificate"
	File    string // "" where it is about no file
	Problem Problem
	Err     error // the reason; may be nil
}

func (e *Error) Error() string {
	text := e.Setting + ": " + e.what()
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) what() string {
	switch e.Problem {
	case NotThere:
		return e.File + " cannot be read"
	case NotACert:
		return e.File + " holds no certificate that can be used"
	case NoKey:
		return e.File + " holds no private key that can be used"
	case Mismatch:
		return "the key in " + e.File + " does not belong to the certificate"
	case NeedsPassword:
		return e.File + " is encrypted, and there is no password"
	case WrongPassword:
		return "the password does not open " + e.File
	case Unsupported:
		return e.File + " is encrypted in a way that is not known here"
	case NoStore:
		return "there is no certificate store to look in"
	case NotInStore:
		return "there is no such certificate in " + e.File
	case NoneGiven:
		return "there is no certificate for https"
	}
	return "the settings do not go together"
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what can be done.
func (e *Error) Hint() string {
	switch e.Problem {
	case NotThere:
		return "look at the path, which starts from the app's folder, and at who may read the file"
	case NotACert:
		return "Path wants PEM, or PFX (PKCS#12 in DER, as openssl pkcs12 -export writes it)"
	case NoKey:
		return "name the key's file as " + e.Setting + ":KeyPath, or put the key into the certificate's file"
	case Mismatch:
		return "name the key that the certificate was made for; both are often renewed together"
	case NeedsPassword:
		return "set " + e.Setting + ":Password" + inEnvironment(e.Setting+":Password")
	case WrongPassword:
		return "look at " + e.Setting + ":Password"
	case Unsupported:
		return "encrypt the key anew: openssl pkcs8 -topk8 -v2 aes256"
	case NoStore:
		return "export the certificate with its key as PFX, and name that file as Path"
	case NotInStore:
		return "look at Subject and Store; AllowInvalid takes one that has ended or is not trusted"
	case NoneGiven:
		return "set " + e.Setting + ":Path, or Kestrel:Certificates:Default; `gorun dev-certs https` makes one for this machine"
	}
	return ""
}

// inEnvironment says how a setting of the configuration is set without writing a secret into a file.
func inEnvironment(setting string) string {
	if !strings.HasPrefix(setting, "Kestrel:") {
		return ""
	}
	return ", best in the environment as " + strings.ReplaceAll(setting, ":", "__")
}

// RefusedError is a client that asked for a host name that has no settings.
type RefusedError struct{ Name string } // "" when it named none

func (e *RefusedError) Error() string {
	if e.Name == "" {
		return "the client named no host, and there is no * in Sni"
	}
	return fmt.Sprintf("nothing in Sni fits the host name %q", e.Name)
}
