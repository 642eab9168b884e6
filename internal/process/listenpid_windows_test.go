package process

import (
	"errors"
	"testing"
)

func TestListenPID(t *testing.T) {
	t.Parallel()
	_, err := Start(Spec{Path: self(t), ListenPID: true})
	if fault, ok := errors.AsType[*StartError](err); !ok || !errors.Is(fault, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
