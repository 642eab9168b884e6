//go:build linux || darwin

package broker

import (
	"os"
	"strings"
	"testing"
)

// A file that is gone is found, and with which port it belongs to.
func TestUnusable(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	good := issue(t, nil, "api.localhost")
	both := append(good.certPEM(), good.keyPEM(t)...)
	for name, binding := range map[string]SSLCert{"stays": {HostnamePort: "api.localhost:1"}, "goes": {IPPort: "127.0.0.1:2"}} {
		binding.Cert = s.put(name, both)
		if _, _, err := s.AddSSLCert(binding); err != nil {
			t.Fatal(err)
		}
		if name == "goes" {
			must(t, os.Remove(binding.Cert))
		}
	}
	all := s.Unusable()
	if len(all) != 1 || all[0].Port != 2 || !strings.Contains(all[0].Err.Error(), "cannot be read") || all[0].Err.Hint() == "" {
		t.Errorf("unusable are %+v", all)
	}
}
