package handover

import (
	"context"
	"errors"
	"net"
	"os"
)

// On Windows duplicate fails, and so New: the rest is called by nobody.

func duplicate(net.Listener) (*os.File, error) { return nil, errors.ErrUnsupported }

func setNonblock(*os.File, bool) {}

func listenAgain(*os.File) (again bool, err error) { return false, errors.ErrUnsupported }

func isDead(*os.File) bool { return false }

func poll(context.Context, []*os.File) (ready bool, dead []int, err error) {
	return false, nil, errors.ErrUnsupported
}

func queue(*os.File) int { return 0 }

func queueLength(*os.File) (n int, known bool) { return 0, false }

func accept(*os.File) (net.Conn, error) { return nil, errors.ErrUnsupported }

func isAborted(error) bool { return false }
