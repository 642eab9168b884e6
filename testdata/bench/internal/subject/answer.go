package subject

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const answerLimit = 10 * time.Second

// Request is what clients send.
type Request struct {
	Scheme string // http, https or h2c
	Method string
	Host   string // of the Host field; "": that of the URL
	Path   string
	Body   string
	HTTP2  bool
}

// Answer is what is compared.
type Answer struct {
	Proto, ContentType string
	Length             int64 // as it was announced
	Body               string
}

// Short is the answer with the beginning of its body, for messages.
func (a Answer) Short() Answer {
	a.Body = a.Body[:min(len(a.Body), 100)]
	return a
}

// Named is a server in messages, and where it is asked: its address with the path of the request.
type Named struct{ Name, URL string }

// Verify has two servers answer one request alike, so that the same work is measured.
func (t Trust) Verify(ctx context.Context, r Request, one, other Named) error {
	got, err := t.Fetch(ctx, one.URL, r)
	if err != nil {
		return fmt.Errorf("%s: %w", one.Name, err)
	}
	want, err := t.Fetch(ctx, other.URL, r)
	if err != nil {
		return fmt.Errorf("%s: %w", other.Name, err)
	}
	if got != want {
		return fmt.Errorf("the servers do not answer alike\n%s: %+v\n%s: %+v", one.Name, got.Short(), other.Name, want.Short())
	}
	return nil
}

// Fetch gives the answer to a request, which must be 200, by the request's protocol and, with https, this certificate.
func (t Trust) Fetch(ctx context.Context, url string, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, url, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, err
	}
	req.Host = cmp.Or(r.Host, req.Host)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!r.HTTP2)
	protocols.SetHTTP2(r.HTTP2 && r.Scheme == "https")
	protocols.SetUnencryptedHTTP2(r.Scheme == "h2c")
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: t.roots}, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return Answer{}, err
	case resp.StatusCode != http.StatusOK:
		return Answer{}, fmt.Errorf("%s %s: %s: %s", r.Method, req.URL, resp.Status, body)
	case resp.TLS != nil && !t.Is(resp.TLS.PeerCertificates[0]):
		return Answer{}, errors.New("it does not show the bench's certificate")
	}
	return Answer{resp.Proto, resp.Header.Get("Content-Type"), resp.ContentLength, string(body)}, nil
}
