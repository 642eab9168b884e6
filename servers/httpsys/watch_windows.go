//go:build amd64 || arm64

package httpsys

import (
	"context"
	"sync"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// watches tell requests that their connection has gone. There is one for a connection, begun when the first of its requests
// wants to know, and it lasts as long as the connection.
type watches struct {
	mu   sync.Mutex
	over bool
	of   map[uint64]map[*exchange]struct{} // by connection: who is to be told
	done sync.WaitGroup
}

// watch tells x when its connection has gone, until unwatch.
func (h *host) watch(x *exchange) {
	if httpapi.Lacks("WaitForDisconnectEx") {
		return
	}
	w := &h.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if told, ok := w.of[x.connection]; ok {
		told[x] = struct{}{}
		return
	}
	if w.of == nil {
		w.of = map[uint64]map[*exchange]struct{}{}
	}
	connection := x.connection
	w.of[connection] = map[*exchange]struct{}{x: {}}
	w.done.Go(func() { h.await(connection) })
}

// end is called when the calls of the system have ended. It waits for the goroutines.
func (w *watches) end() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.done.Wait()
}

func (h *host) unwatch(x *exchange) {
	w := &h.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of[x.connection], x)
}

// await waits for the end of a connection, and tells. An error means that it has gone already, unless this Windows does not
// have the call.
func (h *host) await(connection uint64) {
	_, err := h.do(h.living, func(_ *uint32, o *windows.Overlapped) error {
		return httpapi.WaitForDisconnectEx(h.queue, connection, 0, o)
	})
	w := &h.watches
	w.mu.Lock()
	told := w.of[connection]
	delete(w.of, connection)
	w.mu.Unlock()
	if isMissing(err) {
		return
	}
	for x := range told {
		x.cancel(context.Canceled)
	}
}
