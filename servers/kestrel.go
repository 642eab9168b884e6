package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// Kestrel gives the Server that is called kestrel, for a server of an app's own that is Kestrel and something more: it hands
// on a copy of its Site, with another Handler, say.
func Kestrel() Server { return ServerFunc(serveKestrel) }

func serveKestrel(ctx context.Context, site *Site) error {
	listeners, packets, err := openAll(site)
	if err != nil {
		return err
	}
	stopping, unblock := context.WithCancel(ctx)
	defer unblock()
	k := &serving{
		server: &kestrel.Server{
			Handler: site.Handler, Limits: site.Limits, ServerHeader: site.ServerHeader, Log: site.Log, Meter: site.Meter,
			Middleware: guard{stopping, cmp.Or(site.Log, slog.Default())}.all(site.Middleware), BaseContext: site.Context,
		},
		failed: make(chan error, 1),
	}
	site.Listening(urlsOf(listeners)...)
	k.start(listeners, packets)
	err = k.wait(ctx)
	unblock()
	return k.stop(err, site)
}

// openAll opens the sockets of a site, TCP's and those for HTTP/3. Port 0 is chosen by the system for TCP, and chosen again when
// somebody has it for UDP.
func openAll(site *Site) ([]Listener, []packetListener, error) {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		listeners, err := site.Listen()
		if err != nil {
			return nil, nil, err
		}
		packets, err := listenPackets(listeners)
		if err == nil {
			return listeners, packets, nil
		}
		err = errors.Join(err, closeSockets(listeners))
		if !isInUse(err) || !site.choosesPorts() || attempt == attempts {
			return nil, nil, err
		}
	}
}

// choosesPorts reports whether another try can find other ports: sockets that were handed over would be lost by it.
func (s *Site) choosesPorts() bool {
	return len(s.inherited) == 0 && slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.Port == 0 && e.Protocols.Has(endpoint.HTTP3) })
}

// serving is a Kestrel at work. It has one goroutine for each socket, and those of the server for each connection. All
// sockets are closed and their goroutines have ended when stop returns.
type serving struct {
	server  *kestrel.Server
	sockets sync.WaitGroup
	failed  chan error // a socket that cannot accept any more
}

func (k *serving) start(listeners []Listener, packets []packetListener) {
	for _, l := range listeners {
		binding := bindingOf(l)
		if hasPackets(packets, l) {
			binding.AltSvc = fmt.Sprintf(`h3=":%d"; ma=86400`, portOf(l.Addr()))
		}
		if binding.Protocols == endpoint.HTTP3 {
			l.Close() // it has held the port until the other socket was open
			continue
		}
		k.run(l.URL(), func() error { return k.server.Serve(l.Listener, binding) })
	}
	for _, p := range packets {
		k.run(p.of.URL(), func() error { return k.server.ServePackets(p.conn, bindingOf(p.of)) })
	}
}

func bindingOf(l Listener) kestrel.Binding {
	return kestrel.Binding{Protocols: l.Endpoint.Protocols, TLS: l.Endpoint.TLS}
}

// run serves one socket until the server stops, or the socket cannot be served any more.
func (k *serving) run(url string, serve func() error) {
	k.sockets.Go(func() {
		err := serve()
		if errors.Is(err, http.ErrServerClosed) {
			return
		}
		select {
		case k.failed <- fmt.Errorf("serving %s: %w", url, err):
		default: // the first failure is the one that stops the server
		}
	})
}

// wait returns nil when ctx is done, or why serving cannot go on.
func (k *serving) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-k.failed:
		return err
	}
}

// stop lets requests finish for a while, then cuts them off. The error joins reason with what went wrong.
func (k *serving) stop(reason error, site *Site) error {
	// Connections without a request need a moment to close: with no time at all they would look like requests that were cut off.
	const moment = 50 * time.Millisecond
	timeout := site.ShutdownTimeout
	if timeout <= 0 {
		timeout = moment
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := k.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were still running after %v and were cut off", timeout), k.server.Close())
	}
	k.sockets.Wait()
	return errors.Join(reason, err)
}

// packetListener is the UDP socket of an endpoint that speaks HTTP/3.
type packetListener struct {
	conn net.PacketConn
	of   Listener
}

func hasPackets(packets []packetListener, l Listener) bool {
	for _, p := range packets {
		if p.of.Listener == l.Listener {
			return true
		}
	}
	return false
}

// listenPackets opens a UDP socket beside each TCP socket whose endpoint speaks HTTP/3, on the same port.
func listenPackets(listeners []Listener) ([]packetListener, error) {
	var packets []packetListener
	for _, l := range listeners {
		tcp, isTCP := l.Addr().(*net.TCPAddr)
		if l.Endpoint.TLS == nil || !isTCP || !l.Endpoint.Protocols.Has(endpoint.HTTP3) {
			continue
		}
		conn, err := net.ListenUDP(udpNetwork(tcp), &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone})
		if err != nil {
			for _, open := range packets {
				err = errors.Join(err, open.conn.Close())
			}
			return nil, &AddressError{URL: l.URL(), Source: l.Endpoint.Source, Err: fmt.Errorf("for HTTP/3: %w", explainIP("udp", tcp.AddrPort(), err))}
		}
		packets = append(packets, packetListener{conn, l})
	}
	return packets, nil
}

// udpNetwork has 0.0.0.0 mean IPv4 alone and [::] both, as with TCP.
func udpNetwork(tcp *net.TCPAddr) string {
	if tcp.IP.To4() != nil {
		return "udp4"
	}
	if tcp.IP.IsUnspecified() {
		return "udp"
	}
	return "udp6"
}
