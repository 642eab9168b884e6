package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const answerLimit = 10 * time.Second

// verify has both servers answer one request alike, so that the same work is measured.
func (b *bench) verify(ctx context.Context, both map[string]*server, r request) error {
	got, err := b.fetch(ctx, both[ours], r)
	if err != nil {
		return fmt.Errorf("%s: %w", ours, err)
	}
	want, err := b.fetch(ctx, both[bare], r)
	if err != nil {
		return fmt.Errorf("%s: %w", bare, err)
	}
	if got != want {
		return fmt.Errorf("the servers do not answer alike\nours: %+v\nnet/http: %+v", got.short(), want.short())
	}
	return nil
}

// answer is what is compared.
type answer struct {
	proto, contentType string
	length             int64 // as it was announced
	body               string
}

func (a answer) short() answer {
	a.body = a.body[:min(len(a.body), 100)]
	return a
}

// fetch gives the answer to a request, which must be 200, by the request's protocol and, with https, the bench's
// certificate.
func (b *bench) fetch(ctx context.Context, s *server, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, s.url(r), strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!r.http2)
	protocols.SetHTTP2(r.http2 && r.scheme == "https")
	protocols.SetUnencryptedHTTP2(r.scheme == "h2c")
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: b.trust.roots}, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return answer{}, err
	case resp.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("%s %s: %s: %s", r.method, req.URL, resp.Status, body)
	case resp.TLS != nil && !b.trust.is(resp.TLS.PeerCertificates[0]):
		return answer{}, errors.New("it does not show the bench's certificate")
	}
	return answer{resp.Proto, resp.Header.Get("Content-Type"), resp.ContentLength, string(body)}, nil
}

// refusesH2C gives why a server cannot be measured with HTTP/2 without TLS, "" when it can: it answers the preface of
// HTTP/2 with something else than a SETTINGS frame (RFC 9113, 3.4).
func refusesH2C(ctx context.Context, s *server, r request) (string, error) {
	address, err := url.Parse(s.url(r))
	if err != nil {
		return "", err
	}
	conn, err := (&net.Dialer{Timeout: answerLimit}).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return "", err
	}
	const emptySettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+emptySettings); err != nil {
		return "", err
	}
	head := make([]byte, len(emptySettings))
	n, err := io.ReadFull(conn, head)
	if isSettings(head[:n]) {
		return "", nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "", err
	}
	first, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return fmt.Sprintf("%s speaks no HTTP/2 at %s (it answered %q)", s.role, address, first), nil
}

// isSettings reports whether this is the head of a SETTINGS frame of the connection, not of an acknowledgement.
func isSettings(head []byte) bool {
	return len(head) == 9 && head[0] == 0 && head[3] == 0x4 && head[4] == 0 && binary.BigEndian.Uint32(head[5:]) == 0
}
