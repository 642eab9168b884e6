package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// importCert takes the certificate of a PFX in place of the one that is there. Unlike dotnet dev-certs it looks at the file
// before it removes anything: a wrong password costs nothing.
func (w *world) importCert(ctx context.Context, file, password string) error {
	data, err := os.ReadFile(w.abs(file))
	if err != nil {
		return w.ends(certNoFile, &exportError{fmt.Sprintf("%s cannot be read: %v", w.ui.Path(w.abs(file)), reason(err)), "name the PFX that was exported"})
	}
	cert, err := devcert.ReadPFX(data, password)
	if err != nil {
		return w.ends(certNotLoaded, err)
	}
	if err := devcert.Importable(w.certOptions(), cert); err != nil {
		return w.ends(certForeign, err)
	}
	if err := w.cleanCert(ctx); err != nil {
		return err
	}
	info, err := devcert.Import(w.certOptions(), cert)
	if _, ok := errors.AsType[*devcert.WriteError](err); ok {
		return w.ends(certNotSaved, err)
	}
	if err != nil {
		return w.ends(certNotImport, err)
	}
	w.ui.Say("imported the certificate, valid until %s: %s", info.Leaf.NotAfter.Format(time.DateOnly), w.ui.Path(info.File))
	return nil
}
