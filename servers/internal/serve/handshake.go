package serve

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"
)

// DefaultHandshakeTimeout is Kestrel's (reference: servers.md, 3.1).
const DefaultHandshakeTimeout = 10 * time.Second

// shake makes the TLS handshake, before net/http has the connection: by ALPN it may be another protocol's.
func (k *core) shake(t *tls.Conn) {
	if err := k.handshake(t); err != nil {
		k.log.Debug("TLS handshake failed", slog.Any("error", err), slog.String("remote", t.RemoteAddr().String()))
		t.NetConn().Close() // t.Close would wait for a client that may be gone
		k.open.Add(-1)
		return
	}
	if next := k.server.NextProto[t.ConnectionState().NegotiatedProtocol]; next != nil {
		next(t)
		k.open.Add(-1)
		return
	}
	k.enqueue(t)
}

func (k *core) handshake(t *tls.Conn) error {
	timeout := k.server.HandshakeTimeout
	if timeout <= 0 {
		timeout = DefaultHandshakeTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	k.mu.Lock()
	k.shaking[t.NetConn()] = struct{}{}
	stopping := k.stopping.Load()
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.shaking, t.NetConn())
	}()
	if stopping {
		cancel()
	}
	return t.HandshakeContext(ctx)
}
