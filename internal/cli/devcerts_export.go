package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// certExport is what --export-path asks for. The zero value asks for nothing.
type certExport struct {
	path     string // of the certificate
	key      string // of its key, "" without one or with it in the same file
	pem      bool
	pfx      bool // certificate and key in one file
	password string
}

// exportOf reads the flags, and looks for what is wrong before anything is made. Without a password, and without
// --no-password, only the certificate is exported, as with dotnet dev-certs; without its key a "Pfx" is the bare certificate, DER.
func (w *world) exportOf(c *cli.Context) (e certExport, status int, err error) {
	switch format := c.String("format"); {
	case strings.EqualFold(format, "Pem"):
		e.pem = true
	case format != "" && !strings.EqualFold(format, "Pfx"):
		return e, certFormat, &exportError{fmt.Sprintf("there is no format %q", format), "--format wants Pfx or Pem"}
	}
	if c.String("export-path") == "" {
		return e, 0, nil
	}
	e.path, e.password = w.abs(c.String("export-path")), c.String("password")
	if info, err := os.Stat(filepath.Dir(e.path)); err != nil || !info.IsDir() {
		return e, certNotExport, &exportError{"there is no folder " + w.ui.Path(filepath.Dir(e.path)), "make it first, and mind who may read it"}
	}
	if e.password == "" && !c.Bool("no-password") {
		return e, 0, nil
	}
	if !e.pem {
		e.pfx = true
		return e, 0, nil
	}
	e.key = strings.TrimSuffix(e.path, filepath.Ext(e.path)) + ".key"
	if e.key == e.path {
		return e, certNotExport, &exportError{"the certificate and its key would both be " + w.ui.Path(e.path), "give the certificate another ending, such as .pem"}
	}
	return e, 0, nil
}

// exportError is a file that cannot be written, or read, as it was asked for.
type exportError struct{ why, hint string }

func (e *exportError) Error() string { return e.why }

// Hint says what can.
func (e *exportError) Hint() string { return e.hint }

// write writes the files. The key is its owner's alone, also where a file was there before. A Pfx takes the CA's certificate
// along, so that whoever imports it knows whom to trust.
func (e certExport) write(cert tls.Certificate, info devcert.Info) error {
	switch {
	case e.path == "":
		return nil
	case e.pfx:
		var chain []*x509.Certificate
		if !info.Anchor.Equal(info.Leaf) {
			chain = append(chain, info.Anchor)
		}
		data, err := devcert.ExportPFX(cert, chain, e.password)
		if err != nil {
			return err
		}
		return writeSecret(e.path, data)
	}
	certificate, key, err := devcert.ExportPEM(cert, e.password)
	if err != nil {
		return err
	}
	if !e.pem {
		certificate = cert.Certificate[0]
	}
	if err := os.WriteFile(e.path, certificate, 0o644); err != nil {
		return &notExportedError{e.path, err}
	}
	if e.key == "" {
		return nil
	}
	return writeSecret(e.key, key)
}

// writeSecret writes a file that only its owner may read.
func writeSecret(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".gorun-*") // 0600
	if err != nil {
		return &notExportedError{path, err}
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is nobody's
		return &notExportedError{path, err}
	}
	return nil
}

// notExportedError is a place that cannot be written to.
type notExportedError struct {
	path string
	err  error
}

func (e *notExportedError) Error() string {
	return fmt.Sprintf("%s cannot be written: %v", e.path, reason(e.err))
}

func (e *notExportedError) Unwrap() error { return e.err }

// Hint says what to look at.
func (e *notExportedError) Hint() string {
	return "look at its folder's permissions, or name another file"
}

// written are the files.
func (e certExport) written() []string {
	var paths []string
	for _, path := range []string{e.path, e.key} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}
