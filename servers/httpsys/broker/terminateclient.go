//go:build linux || darwin

package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gorun-dev/gorun/servers/internal/relay"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// tlsClient is the socket of a client whose TLS ends here. For each owner that its requests have it keeps connections, one as long
// as there is one request at a time, until it is closed.
type tlsClient struct {
	net.Conn
	terminator *terminator
	local      netip.AddrPort
	asked      bool // for a certificate. Set in the handshake
	relay      *relay.Relay
	closed     sync.Once

	mu     sync.Mutex
	meta   *wire.Meta // nil before the first request
	queues []*queue   // their index is the Address of a relay.Target
}

func newTLSClient(t *terminator, c net.Conn, local netip.AddrPort) *tlsClient {
	client := &tlsClient{Conn: c, terminator: t, local: local}
	client.relay = relay.New(relay.Options{Dial: client.dial, Plain: true, MaxIdle: 16, IdleTimeout: relayIdle})
	return client
}

// relayIdle is how long a pair of sockets is kept without a request. It is below the two minutes that an app waits on its side.
const relayIdle = 90 * time.Second

// clientKey is the key of a tlsClient in the contexts of its requests.
type clientKey struct{}

// withClient is kestrel's ConnContext.
func withClient(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, clientKey{}, c.(*tls.Conn).NetConn().(*tlsClient))
}

// clientOf gives the client of a request.
func clientOf(r *http.Request) *tlsClient { return r.Context().Value(clientKey{}).(*tlsClient) }

// describe makes what the owners are told.
func (c *tlsClient) describe(s *tls.ConnectionState) *wire.Meta {
	state := &wire.TLSState{
		Version: s.Version, CipherSuite: s.CipherSuite, ServerName: s.ServerName, Protocol: s.NegotiatedProtocol, Resumed: s.DidResume,
	}
	for _, peer := range s.PeerCertificates {
		state.Peers = append(state.Peers, peer.Raw)
	}
	return &wire.Meta{Remote: c.RemoteAddr().String(), Local: c.LocalAddr().String(), TLS: state, Hops: 1}
}

// Close ends the client's connection, and those to the owners that have no request. The others end with their requests.
func (c *tlsClient) Close() error {
	err := c.Conn.Close()
	c.closed.Do(func() {
		_ = c.relay.Close() // it has no errors
		c.terminator.open.Add(-1)
	})
	return err
}

// forward passes a request on to an owner.
func (c *tlsClient) forward(w http.ResponseWriter, r *http.Request, q *queue) error {
	return c.relay.Forward(w, r, relay.Target{Network: "unix", Address: strconv.Itoa(c.index(r, q))})
}

// index is that of a queue in queues.
func (c *tlsClient) index(r *http.Request, q *queue) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.meta == nil {
		c.meta = c.describe(r.TLS)
	}
	if i := slices.Index(c.queues, q); i >= 0 {
		return i
	}
	c.queues = append(c.queues, q)
	return len(c.queues) - 1
}

// errNoPair is want of descriptors: nobody has got the request.
var errNoPair = errors.New("there is no connection to be had")

// dial makes a pair of sockets, and gives one end to the owner as if it were a client's.
func (c *tlsClient) dial(_ context.Context, target relay.Target) (net.Conn, error) {
	i, err := strconv.Atoi(target.Address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	q, meta := c.queues[i], *c.meta
	c.mu.Unlock()
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoPair, err)
	}
	c.terminator.owners.give(q, described(theirs, &meta))
	return ours, nil
}

// socketPair makes a pair of connected sockets that no program inherits. The second is the caller's to close.
func socketPair() (net.Conn, int, error) {
	syscall.ForkLock.RLock() // not every system can make it in one step
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetNonblock(fds[1], true)
	file := os.NewFile(uintptr(fds[0]), "relayed")
	defer file.Close()
	c, err := net.FileConn(file) // a copy
	if err != nil {
		_ = unix.Close(fds[1])
		return nil, -1, err
	}
	return c, fds[1], nil
}
