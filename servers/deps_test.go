package servers_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies keeps the list of modules that an app gets with this package. It is short, and each has its reason.
func TestDependencies(t *testing.T) {
	t.Parallel()
	want := []string{
		"github.com/gorun-dev/gorun",
		"github.com/quic-go/qpack",           // of quic-go: HTTP/3's headers
		"github.com/quic-go/quic-go",         // HTTP/3
		"golang.org/x/crypto",                // of quic-go and go-pkcs12
		"golang.org/x/net",                   // of quic-go
		"golang.org/x/sys",                   // inherited sockets, locks; of quic-go
		"golang.org/x/text",                  // of x/net: names of hosts
		"software.sslmate.com/src/go-pkcs12", // certificates as PFX
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	got = slices.Compact(got)
	fmt.Printf("count: package servers depends on %d modules beside its own: %s\n", len(got)-1, strings.Join(got[1:], ", "))
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
