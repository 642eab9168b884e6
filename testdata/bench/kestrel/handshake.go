package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// handshakes is a new TLS connection for each request, from this process: wrk keeps its TLS sessions, and resuming one
// is not the work that is to be measured. Latency is from dialling to the end of the answer.
type handshakes struct{}

const (
	handshakeClients = 16
	clientPatience   = 10 // errors after which a client gives up
)

func (handshakes) tool() load.Tool { return load.Tool{} }

func (handshakes) measure(ctx context.Context, _ *bench, s *server, r subject.Request, d time.Duration) (load.Sample, error) {
	address, err := url.Parse(s.url(r))
	if err != nil {
		return load.Sample{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clients := make([]handshakeClient, handshakeClients)
	start := time.Now()
	var working sync.WaitGroup
	for i := range clients {
		working.Go(func() { clients[i].work(ctx, address, start.Add(d)) })
	}
	working.Wait()
	return joined(clients, time.Since(start))
}

// joined makes one sample of all clients. Any error is one too many, and the first tells what went wrong.
func joined(clients []handshakeClient, d time.Duration) (load.Sample, error) {
	var latencies []time.Duration
	var errs []error
	for _, c := range clients {
		latencies = slices.Concat(latencies, c.latencies)
		errs = append(errs, c.errs...)
	}
	s := load.SampleOf(latencies, d, len(errs))
	if err := s.Check(); err != nil {
		return load.Sample{}, errors.Join(append(errs, err)...)
	}
	return s, nil
}

type handshakeClient struct {
	latencies []time.Duration
	errs      []error
}

// work makes requests one after the other until the end.
func (c *handshakeClient) work(ctx context.Context, address *url.URL, end time.Time) {
	for time.Now().Before(end) && ctx.Err() == nil && len(c.errs) < clientPatience {
		start := time.Now()
		if err := handshake(ctx, address); err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		c.latencies = append(c.latencies, time.Since(start))
	}
}

// handshake makes one connection with a full handshake and one request.
func handshake(ctx context.Context, address *url.URL) error {
	dialer := net.Dialer{Timeout: answerLimit}
	raw, err := dialer.DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return err
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	// The certificate has been verified before; doing so each time would be the client's work, not the server's.
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	if conn.ConnectionState().DidResume {
		return errors.New("the handshake resumed a session")
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address.Path, address.Host); err != nil {
		return err
	}
	return load.ReadAnswer(bufio.NewReader(conn))
}
