//go:build !darwin && !linux

package wire

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	t.Parallel()
	_, folder := Folder(nil)
	_, dial := Dial(t.Context(), "f")
	_, listen := Listen("f")
	_, _, pair := Pair()
	_, conn := NetConn(3)
	for name, err := range map[string]error{"Folder": folder, "Dial": dial, "Listen": listen, "Pair": pair, "NetConn": conn} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
