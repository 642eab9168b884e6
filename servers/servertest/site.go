package servertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// site is the server of a case, with a client for it.
type site struct {
	*env
	running *Running
	client  *http.Client
	ended   sync.Once
}

// url is where clients reach its first address.
func (s *site) url() string { return s.running.URLs[0] }

// newClient gives a client with connections of its own, which speaks the case's protocol and no other.
func (s *site) newClient() *http.Client {
	if s.protocol == http3 {
		return s.clientBy(s.quicTransport())
	}
	return s.clientBy(s.tcpTransport(s.protocol))
}

func (s *site) clientBy(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) tcpTransport(p protocol) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(p == http1)
	protocols.SetHTTP2(p == http2)
	protocols.SetUnencryptedHTTP2(p == h2c)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: s.certificate.client(), DisableCompression: true, DialContext: dialer(s.running.URLs),
		ExpectContinueTimeout: limit, MaxIdleConnsPerHost: 100,
	}
	s.Cleanup(transport.CloseIdleConnections)
	return transport
}

// dialer reaches unix sockets by the host name unix.
func dialer(urls []string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "unix:") {
			for _, u := range urls {
				if e, err := endpoint.Parse(u); err == nil && e.Unix != "" {
					network, addr = "unix", e.Unix
				}
			}
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	body string
	cut  error // why the body could not be read to its end
}

func read(resp *http.Response) answer {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body), err}
}

// request makes one for a path, in which target is what the client sends.
func (s *site) request(method, path string, body io.Reader) *http.Request {
	s.Helper()
	req, err := http.NewRequestWithContext(s.ctx, method, s.url()+path, body)
	if err != nil {
		s.Fatal(err)
	}
	return req
}

// open sends a request and gives its response as soon as that begins.
func (s *site) open(req *http.Request) *http.Response {
	s.Helper()
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	return resp
}

// do sends a request and reads its answer to the end, which must be there.
func (s *site) do(req *http.Request) answer {
	s.Helper()
	a := read(s.open(req))
	if a.cut != nil {
		s.Fatalf("%s %s: status %d and then %v", req.Method, req.URL, a.StatusCode, a.cut)
	}
	return a
}

func (s *site) get(path string) answer {
	s.Helper()
	return s.do(s.request(http.MethodGet, path, nil))
}

func (s *site) post(path, body string) answer {
	s.Helper()
	return s.do(s.request(http.MethodPost, path, strings.NewReader(body)))
}

// fails sends a request that must get no whole answer.
func (s *site) fails(req *http.Request) {
	s.Helper()
	s.failed(s.try(req))
}

// failed wants that there was no whole answer, or a front's that says so.
func (e *env) failed(a answer) {
	e.Helper()
	byFront := e.target.Gateway && (a.StatusCode == http.StatusBadGateway || a.StatusCode == http.StatusServiceUnavailable)
	if a.cut == nil && !byFront {
		e.Errorf("got a whole answer: status %d, body %.100q", a.StatusCode, a.body)
	}
}

// goesOn has the server prove that it still serves, on a new connection.
func (s *site) goesOn(path, want string) {
	s.Helper()
	req := s.request(http.MethodGet, path, nil)
	resp, err := s.newClient().Do(req)
	if err != nil {
		s.Fatalf("it does not serve any more: %v", err)
	}
	if a := read(resp); a.StatusCode != 200 || a.body != want {
		s.Errorf("it serves %d %q, want %q", a.StatusCode, a.body, want)
	}
}

// stop asks the server to stop and gives what it returns.
func (s *site) stop() error {
	s.Helper()
	s.running.Stop()
	return s.wait()
}

// wait gives what the server returns.
func (s *site) wait() (err error) {
	s.Helper()
	s.ended.Do(func() { err = receive(s.env, s.running.Done, "for the server to end") })
	return err
}

// end stops the server unless that has been waited for already.
func (s *site) end() {
	s.Helper()
	s.client.CloseIdleConnections()
	if err := s.stop(); err != nil {
		s.Errorf("the server ended with %v", err)
	}
}

// want compares.
func want[T comparable](e *env, what string, got, want T) {
	e.Helper()
	if got != want {
		e.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wantAnswer compares a status and a body.
func (a answer) want(e *env, status int, body string) {
	e.Helper()
	if a.StatusCode != status || a.body != body {
		e.Errorf("got %d %.200q, want %d %.200q", a.StatusCode, a.body, status, body)
	}
}

// host is the host and port of a URL.
func host(e *env, address string) string {
	e.Helper()
	u, err := url.Parse(address)
	if err != nil {
		e.Fatal(err)
	}
	return u.Host
}
