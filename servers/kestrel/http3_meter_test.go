package kestrel

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	h3 "github.com/quic-go/quic-go/http3"
)

// Connections are told when they begin and end, with Kestrel's names and the socket's address.
func TestHTTP3Meter(t *testing.T) {
	t.Parallel()
	meter := newHTTP3TestMeter()
	r := startHTTP3(t, &Server{
		Meter: meter, Limits: Limits{MaxConcurrentConnections: 1}, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	})
	at := fmt.Sprintf("server.address=127.0.0.1 server.port=%d network.type=ipv4 network.transport=udp", r.addr.Port)
	transport := &h3.Transport{TLSClientConfig: r.tls.Clone()}
	defer transport.Close()
	client := &http.Client{Transport: transport, Timeout: limit}
	for range 2 { // requests of one connection
		fetch(t, client, request(t, "GET", r.url, nil))
	}
	meter.wait(t, "kestrel.active_connections +1 "+at)
	if _, err := r.client(t).Do(request(t, "GET", r.url, nil)); err == nil {
		t.Error("a second connection was served")
	}
	meter.wait(t, "kestrel.rejected_connections +1 "+at)
	transport.Close()
	meter.wait(t, "kestrel.active_connections -1 "+at)
	meter.wait(t, "kestrel.connection.duration positive "+at+" network.protocol.name=http network.protocol.version=3 tls.protocol.version=1.3")
	if rest := meter.all(); len(rest) > 0 {
		t.Errorf("then %q", rest)
	}
}

// http3TestMeter keeps what it is told until somebody waits for it.
type http3TestMeter struct {
	mu    sync.Mutex
	told  []string
	again chan struct{} // has one in it when there is something new
}

func newHTTP3TestMeter() *http3TestMeter { return &http3TestMeter{again: make(chan struct{}, 1)} }

func (m *http3TestMeter) Add(name string, delta int64, attrs ...slog.Attr) {
	m.tell(fmt.Sprintf("%s %+d", name, delta), attrs)
}

func (m *http3TestMeter) Record(name string, value float64, attrs ...slog.Attr) {
	m.tell(name+map[bool]string{true: " positive", false: " not positive"}[value > 0], attrs)
}

func (m *http3TestMeter) tell(what string, attrs []slog.Attr) {
	for _, a := range attrs {
		what += " " + a.String()
	}
	m.mu.Lock()
	m.told = append(m.told, what)
	m.mu.Unlock()
	select {
	case m.again <- struct{}{}:
	default:
	}
}

// wait takes one out, when it has been told.
func (m *http3TestMeter) wait(t *testing.T, what string) {
	t.Helper()
	for {
		m.mu.Lock()
		i := slices.Index(m.told, what)
		if i >= 0 {
			m.told = slices.Delete(m.told, i, i+1)
		}
		m.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-m.again:
		case <-time.After(limit):
			t.Fatalf("not told: %s\ntold:\n%s", what, strings.Join(m.all(), "\n"))
		}
	}
}

func (m *http3TestMeter) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.told)
}
