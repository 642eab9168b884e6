//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// firstCertificate is room for most certificates, in bytes.
const firstCertificate = 4 << 10

// clientCertificate gives the certificate that a client has shown in its handshake; nil when it has shown none.
func (h *host) clientCertificate(connection uint64) []byte {
	if httpapi.Lacks("ReceiveClientCertificate") {
		return nil
	}
	for size := uint32(firstCertificate); size < maxHead; {
		memory := make([]uint64, size/8)
		info := (*httpapi.SSLClientCert)(unsafe.Pointer(unsafe.SliceData(memory)))
		_, err := h.do(h.living, func(n *uint32, o *windows.Overlapped) error {
			return httpapi.ReceiveClientCertificate(h.queue, connection, 0, info, size, n, o)
		})
		if errors.Is(err, windows.ERROR_MORE_DATA) {
			size += info.EncodedSize/8*8 + 8
			continue
		}
		if err != nil {
			return nil
		}
		return info.DER()
	}
	return nil
}

// connectionName is for a connection what package connid's names are: the system's own number.
func connectionName(connection uint64) string { return strconv.FormatUint(connection, 16) }
