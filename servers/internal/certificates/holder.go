package certificates

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pace is how often files are looked at, at most.
const pace = time.Second

// settled is how old a file must be before its time and size are taken for a proof that it has not changed: clocks of
// file systems go in steps, of two seconds on FAT.
const settled = 2 * time.Second

// holder holds the certificate of one source, and reads it again when a handshake asks for it and its files have
// changed. It has no goroutine: one handshake in a second looks, all others take what there is. A file that cannot be
// used (half written, a key that is not renewed yet) changes nothing, is told once, and is tried again when it changes.
type holder struct {
	read  func() (*tls.Certificate, []string, error) // and the files to look at
	warn  func()                                     // says what is odd about the files of one that is used; nil says nothing
	now   func() time.Time
	log   *slog.Logger
	begin time.Time // what next counts from: differences of times do not jump with the system's clock

	current atomic.Pointer[tls.Certificate]
	next    atomic.Int64 // when to look again
	mu      sync.Mutex   // held by the one who looks; guards the rest
	files   []string
	seen    []os.FileInfo    // nil when the files are to be read whatever they look like
	ended   *tls.Certificate // the one whose end was told
	told    string           // the gist of the warning that was given last, while it lasts
}

// load reads for the first time.
func (h *holder) load() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin = h.now()
	h.next.Store(int64(pace))
	cert, err := h.readNow()
	if err != nil {
		return err
	}
	h.use(cert)
	return nil
}

func (h *holder) use(cert *tls.Certificate) {
	if h.warn != nil {
		h.warn()
	}
	h.tellEnd(cert)
	h.current.Store(cert)
}

// tellEnd warns, once, of a certificate that clients will refuse.
func (h *holder) tellEnd(cert *tls.Certificate) {
	now, log := h.now(), h.log.With("subject", cert.Leaf.Subject.String())
	switch {
	case h.ended == cert:
	case now.After(cert.Leaf.NotAfter):
		h.ended = cert
		log.Warn("the certificate has ended: clients will refuse it", "ended", cert.Leaf.NotAfter)
	case now.Before(cert.Leaf.NotBefore):
		log.Warn("the certificate is not valid yet: clients will refuse it", "begins", cert.Leaf.NotBefore)
	}
}

// get gives the certificate. It costs two atomic loads and the time of day, but for the one that looks.
func (h *holder) get() *tls.Certificate {
	if at := int64(h.now().Sub(h.begin)); at >= h.next.Load() && h.mu.TryLock() {
		defer h.mu.Unlock()
		if at >= h.next.Load() { // nobody has looked meanwhile
			h.look()
			h.next.Store(int64(h.now().Sub(h.begin) + pace))
		}
	}
	return h.current.Load()
}

// look reads the files again if they have changed.
func (h *holder) look() {
	if h.seen != nil && same(h.seen, stats(h.files)) {
		if cert := h.current.Load(); h.now().After(cert.Leaf.NotAfter) {
			h.tellEnd(cert)
		}
		return
	}
	cert, err := h.readNow()
	if err != nil {
		if what := gist(err); what != h.told {
			h.told = what
			h.log.Warn("the changed certificate cannot be used, so the old one stays", "error", err)
		}
		return
	}
	h.told = ""
	if slices.EqualFunc(h.current.Load().Certificate, cert.Certificate, bytes.Equal) {
		return // the files were only touched
	}
	h.log.Info("the certificate was renewed", "subject", cert.Leaf.Subject.String(), "ends", cert.Leaf.NotAfter)
	h.use(cert)
}

// gist is an error without its reason: a file that is being written is broken in many ways, and one warning is enough.
func gist(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.what()
	}
	return err.Error()
}

// readNow reads, and notes what the files looked like before: a change while they are read is seen at the next look.
func (h *holder) readNow() (*tls.Certificate, error) {
	before := stats(h.files)
	cert, files, err := h.read()
	if len(h.files) == 0 {
		before = stats(files)
	}
	h.files, h.seen = files, before
	if e, ok := errors.AsType[*Error](err); ok && e.Problem == NotThere {
		h.seen = nil // permissions leave no trace in size and time
	}
	for _, info := range before {
		if info == nil || h.now().Sub(info.ModTime()) < settled {
			h.seen = nil
		}
	}
	return cert, err
}

// stats follows links: a link to another file is a change (certbot, volumes of Kubernetes). A file that is not there is nil.
func stats(files []string) []os.FileInfo {
	all := make([]os.FileInfo, len(files))
	for i, file := range files {
		if info, err := os.Stat(file); err == nil {
			all[i] = info
		}
	}
	return all
}

func same(a, b []os.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] == nil || b[i] == nil || !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}
