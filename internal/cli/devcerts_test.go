package cli

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/devcert"
)

func TestDevCertsArgs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"dev-certs https -c -v":                  "dev-certs https --check --verbose",
		"dev-certs -c https -t":                  "dev-certs --check https -t",
		"dev-certs https -ep -c -p -v -np":       "dev-certs https -ep -c -p -v -np",
		"dev-certs https --password -c --format": "dev-certs https --password -c --format",
		"dev-certs https --clean -i -v -p -c":    "dev-certs https --clean -i -v -p -c",
		"dev-certs https -- -c":                  "dev-certs https -- -c",
		"-c Release -v q":                        "-c Release -v q",
		"run dev-certs -c":                       "run dev-certs -c",
		"":                                       "",
	} {
		args := strings.Fields(in)
		if got := devCertsArgs(slices.Clone(args)); strings.Join(got, " ") != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}

// An export leaves a key that only its owner may read, also where a file was there that everybody could.
func TestExportedKeyIsSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, info, err := devcert.Ensure(devcert.Options{Dir: filepath.Join(dir, "certs")})
	if err != nil {
		t.Fatal(err)
	}
	e := certExport{path: filepath.Join(dir, "x.pem"), key: filepath.Join(dir, "x.key"), pem: true}
	if err := os.WriteFile(e.key, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := e.write(cert, info); err != nil {
		t.Fatal(err)
	}
	if file, err := os.Stat(e.key); err != nil || file.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", file, err)
	}
	if _, err := tls.LoadX509KeyPair(e.path, e.key); err != nil {
		t.Error(err)
	}
}
