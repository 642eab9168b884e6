package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
)

func TestPortTaken(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1")}
		c.Public = []Public{{Endpoint: url(t, "http://"+strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1))}}
		dir := t.TempDir()
		_, err = Start(t.Context(), c, Options{Dir: dir})
		taken, ok := errors.AsType[*PortInUseError](err)
		if !ok || taken.Holder.PID != os.Getpid() {
			t.Fatalf("got %v", err)
		}
		if details := taken.Details(); !strings.Contains(details[0], fmt.Sprintf("process %d ", os.Getpid())) {
			t.Errorf("got %q", details)
		}
		empty(t, dir)
	})
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

// TestPortTakenMeanwhile has the program find out by itself.
func TestPortTakenMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://"+listener.Addr().String())}}}
		f := prepare(t, c)
		err = f.run(t)
		if _, ok := errors.AsType[*PortInUseError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}

// prepare is a front that has not looked at anything before it starts.
func prepare(t *testing.T, c Config) *Front {
	t.Helper()
	folder, err := makeFolder(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	d := dialects[c.Program.Kind]
	return &Front{release: func() {}, config: c, folder: folder, dialect: d, lines: &lines{dialect: d}, done: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// run starts a front that cannot, and returns why.
func (f *Front) run(t *testing.T) error {
	t.Helper()
	f.config.Public = append(f.config.Public, Public{Endpoint: url(t, "http://127.0.0.1:1")}) // so that it is never ready
	if err := f.launch(); err != nil {
		t.Fatal(err)
	}
	return f.startError(f.awaitReady(t.Context()))
}

func TestConfigError(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://127.0.0.1:2")}}}
		f := prepare(t, c)
		path := filepath.Join(f.folder, f.dialect.file())
		lines := strings.Split(c.Text(), "\n")
		lines[3] = "nonsense on;"
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		err := f.run(t)
		mistake, ok := errors.AsType[*ConfigError](err)
		if !ok || mistake.Line != 4 || !strings.Contains(mistake.Message, "nonsense") {
			t.Fatalf("got %#v", err)
		}
		// The line that is shown is that of the text as it was generated.
		if want := strings.Split(c.Text(), "\n")[3]; mistake.Text != want || !strings.Contains(mistake.Details()[0], ":4  ") {
			t.Errorf("got %q, %q", mistake.Text, mistake.Details())
		}
	})
}

func TestMissingModule(t *testing.T) {
	t.Parallel()
	program := installed(t, Apache)
	program.Modules = t.TempDir()
	dir := t.TempDir()
	_, err := Start(t.Context(), Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}, Options{Dir: dir})
	mistake, ok := errors.AsType[*ConfigError](err)
	if !ok || !strings.Contains(mistake.Hint(), "apache2-proxy") {
		t.Errorf("got %v", err)
	}
	empty(t, dir)
}

func TestBadCertificate(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		good, other := newCertificate(t), newCertificate(t)
		mixed := good
		mixed.PrivateKey = other.PrivateKey
		nothing := good
		nothing.Certificate = nil
		broken := good
		broken.Certificate = [][]byte{[]byte("no certificate")}
		for name, public := range map[string]Public{
			"none": {}, "another's key": {Certificate: &mixed}, "no chain": {Certificate: &nothing}, "broken": {Certificate: &broken},
		} {
			public.Endpoint = url(t, "https://localhost:0")
			dir := t.TempDir()
			_, err := Start(t.Context(), Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{public}}, Options{Dir: dir})
			if bad, ok := errors.AsType[*CertificateError](err); !ok || bad.Endpoint.Scheme != "https" {
				t.Errorf("%s: got %v", name, err)
			}
			empty(t, dir)
		}
	})
}

func TestCancelledStart(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		cancel(reason)
		dir := t.TempDir()
		front, err := Start(ctx, Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}, Options{Dir: dir})
		if !errors.Is(err, reason) {
			t.Errorf("got %v, %v", front, err)
		}
		empty(t, dir)
	})
}

// TestNeverReady has a program that does nothing in the place of nginx.
func TestNeverReady(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell script")
	}
	script := filepath.Join(t.TempDir(), "nginx")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 1000 & sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c := Config{Program: Program{Kind: Nginx, Path: script}, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}
	dir := t.TempDir()
	if front, err := Start(ctx, c, Options{Env: os.Environ(), Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", front, err)
	}
	empty(t, dir)
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	c := Config{Program: Program{Kind: Nginx, Path: filepath.Join(t.TempDir(), "nginx")}, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}
	dir := t.TempDir()
	_, err := Start(t.Context(), c, Options{Dir: dir})
	if _, ok := errors.AsType[*process.StartError](err); !ok {
		t.Errorf("got %v", err)
	}
	empty(t, dir)
}
