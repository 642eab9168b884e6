package broker

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// StoreOptions say where settings are kept. The zero value means this process's environment and user.
type StoreOptions struct {
	// File is where they are; "" is DefaultStoreFile. It need not be there.
	File string

	// ClientCAs are who may have signed clients' certificates; nil is the system's.
	ClientCAs *x509.CertPool

	Getenv func(string) string                     // reads the environment; nil is os.Getenv
	Lookup func(name string) (uid string, ok bool) // finds a user; nil is os/user.Lookup
	Log    *slog.Logger                            // nil is slog.Default()
	Now    func() time.Time                        // nil is time.Now
}

// DefaultStoreFile is httpsys.json in GORUN_DATA, or in gorun in the user's folder for data, beside devcert's folder. getenv must
// not be nil. Without any of them the error is a *devcert.NoFolderError.
func DefaultStoreFile(getenv func(string) string) (string, error) {
	dir, err := devcert.DefaultDir(getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(dir), "httpsys.json"), nil
}

// Store keeps what a user has said once for all programs: certificate bindings and URL reservations, which on Windows netsh
// keeps for HTTP.sys. They are one file of JSON that the user may edit, too: {"sslcert": [...], "urlacl": [...]}.
//
// A change is made to what the file holds at that time, under a lock, and the file is replaced whole: of two writers none
// loses anything. A file that cannot be read in every part changes nothing and is not written: the error is a *StoreError
// for each place. The file is for its user alone (0600), for it may hold passwords.
//
// A Store may be used by several goroutines at once. It has none of its own.
type Store struct {
	file string
	o    StoreOptions

	current atomic.Pointer[settings]

	mu    sync.Mutex // guards what follows
	certs map[binding]*loaded
}

// settings are what a file holds. They are not changed, but replaced.
type settings struct {
	certs bindings
	acls  reservations
}

func (o StoreOptions) filled() StoreOptions {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Lookup == nil {
		o.Lookup = lookup
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// OpenStore reads the settings; without a file there are none. A file that cannot be used is a *StoreError, or several that are
// joined; the Store is one without settings then, until a Reload finds the file in order.
func OpenStore(o StoreOptions) (*Store, error) {
	o = o.filled()
	if o.File == "" {
		file, err := DefaultStoreFile(o.Getenv)
		if err != nil {
			return nil, err
		}
		o.File = file
	}
	s := &Store{file: o.File, o: o, certs: map[binding]*loaded{}}
	if real, err := filepath.EvalSymlinks(o.File); err == nil {
		s.file = real // which is replaced, and not the link
	}
	return s, s.reload()
}

// lookup finds a user by name or number.
func lookup(name string) (uid string, ok bool) {
	if u, err := user.Lookup(name); err == nil {
		return u.Uid, true
	}
	if _, err := strconv.ParseUint(name, 10, 32); err == nil {
		return name, true
	}
	return "", false
}

// File is where the settings are kept.
func (s *Store) File() string { return s.file }

// folder is where relative paths in the file start.
func (s *Store) folder() string { return filepath.Dir(s.file) }

// get gives the settings as they were read last.
func (s *Store) get() *settings {
	if s == nil {
		return &settings{}
	}
	return s.current.Load()
}

// reload reads the file again. When it cannot be used everything stays as it is.
func (s *Store) reload() error {
	if s == nil {
		return nil
	}
	now, err := s.read()
	if err != nil {
		if s.current.Load() == nil {
			s.current.Store(&settings{})
		}
		return err
	}
	s.replace(now)
	return nil
}

func (s *Store) replace(now *settings) {
	s.current.Store(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for b, l := range s.certs {
		if !slices.Contains(now.certs, b) {
			delete(s.certs, b)
			continue
		}
		l.stale = true
	}
}

// maxStore is far more than anybody writes.
const maxStore = 1 << 20

func (s *Store) read() (*settings, error) {
	f, err := os.Open(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return &settings{}, nil
	}
	if err != nil {
		return nil, s.failed(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = f.Chmod(0o600) // where that cannot be done nothing is worse than before
	}
	data, err := io.ReadAll(io.LimitReader(f, maxStore+1))
	switch {
	case err != nil:
		return nil, s.failed(err)
	case len(data) > maxStore:
		return nil, &StoreError{File: s.file, Err: errors.New("it is longer than 1 MiB")}
	}
	return parseStore(s.file, data)
}

// failed leaves out the path, which the message names already.
func (s *Store) failed(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return &StoreError{File: s.file, Err: err}
}

// change reads the file, has it changed and writes it, while nobody else does.
func (s *Store) change(by func(now *settings) error) error {
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return s.failed(err)
	}
	lock := flock.New(s.file+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return s.failed(err)
	}
	defer lock.Close()
	now, err := s.read()
	if err != nil {
		return err
	}
	if err := by(now); err != nil {
		return err
	}
	if err := s.write(now); err != nil {
		return s.failed(err)
	}
	s.replace(now)
	return nil
}

// stored is the form of the file.
type stored struct {
	SSLCert []SSLCert `json:"sslcert,omitempty"`
	URLACL  []URLACL  `json:"urlacl,omitempty"`
}

// write puts the file in place whole.
func (s *Store) write(now *settings) (err error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(stored{now.sslCerts(), now.urlACLs()}); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.file), ".httpsys-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(out.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.file)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is nobody's
	}
	return err
}

// StoreError is a file of settings that cannot be used, or written.
type StoreError struct {
	File         string
	Line, Column int // from 1; 0: it is about the whole file
	Err          error
}

func (e *StoreError) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	return at + ": " + e.Err.Error()
}

func (e *StoreError) Unwrap() error { return e.Err }

// Hint says that nothing is lost.
func (e *StoreError) Hint() string {
	if e.Line == 0 {
		return "look at who may read and write that file; GORUN_DATA names another folder for it"
	}
	return "correct the file, or move it away: as long as it is wrong nothing in it counts, and nothing is written to it"
}
