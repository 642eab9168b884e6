package handover

import (
	"errors"
	"net"
	"testing"
)

func TestUnsupported(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = New([]Socket{{l, "http"}})
	if e, ok := errors.AsType[*UnsupportedError](err); !ok || !errors.Is(err, errors.ErrUnsupported) || e.Hint() == "" {
		t.Errorf("got %v", err)
	}
}
