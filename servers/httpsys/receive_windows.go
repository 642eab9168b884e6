//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// Sizes of the memory that a request's head is received in, in bytes. A head of more than maxHead is refused by the system
// long before (MaxRequestBytes, at most 16 MiB); what was got for one of more than keptHead is not kept.
const (
	firstHead = 8 << 10
	keptHead  = 64 << 10
	maxHead   = 32 << 20
)

// receiver gets one request after the other, each into the same memory if it fits.
type receiver struct {
	host   *host
	memory []uint64 // aligned for a Request
}

func newReceiver(h *host) *receiver { return &receiver{h, make([]uint64, firstHead/8)} }

// receive waits for a request. It is valid until the next call.
func (r *receiver) receive() (*httpapi.Request, error) {
	if len(r.memory) > keptHead/8 {
		r.memory = make([]uint64, firstHead/8)
	}
	var id uint64 // 0 is any request, else the one that did not fit
	for {
		n, err := r.receiveInto(id)
		native := (*httpapi.Request)(unsafe.Pointer(unsafe.SliceData(r.memory)))
		switch {
		case err == nil:
			return native, nil
		case errors.Is(err, windows.ERROR_MORE_DATA) && len(r.memory) < maxHead/8:
			id = native.RequestID
			r.memory = make([]uint64, min(max(int(n)/8+1, 2*len(r.memory)), maxHead/8))
		case errors.Is(err, windows.ERROR_CONNECTION_INVALID) && id != 0:
			id = 0 // its client has gone
		default:
			return nil, err
		}
	}
}

func (r *receiver) receiveInto(id uint64) (uint32, error) {
	h, memory := r.host, r.memory
	clear(memory[:unsafe.Sizeof(httpapi.Request{})/8])
	return h.do(h.accepting, func(n *uint32, o *windows.Overlapped) error {
		request := (*httpapi.Request)(unsafe.Pointer(unsafe.SliceData(memory)))
		return httpapi.ReceiveHTTPRequest(h.queue, id, 0, request, uint32(len(memory)*8), n, o)
	})
}
