package subject

import (
	"slices"
	"testing"
)

func TestEnviron(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ASPNETCORE_URLS", "http://localhost:1")
	t.Setenv("PORT", "1")
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("PORTAL", "kept")
	env := Environ(dir)
	for _, e := range env {
		if hasOneOf(e, "ASPNETCORE_", "PORT=", "LISTEN_") {
			t.Errorf("%s is passed on", e)
		}
	}
	if !slices.Contains(env, "PORTAL=kept") || !hasOneOf(env[len(env)-2], "GORUN_DATA="+dir) {
		t.Errorf("got %v", env)
	}
}

// TestCertificate has the certificate of one folder be another than that of another.
func TestCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, err := MakeCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MakeCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := MakeCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !one.Is(again.certificate.Leaf) || one.Is(other.certificate.Leaf) {
		t.Error("certificates are not told apart")
	}
}
