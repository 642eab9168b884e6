package relay

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// http2Client speaks HTTP/2 without TLS to a front.
func http2Client(t *testing.T, h http.Handler) (*http.Client, string) {
	t.Helper()
	addr := serveFront(t, h, kestrel.Binding{Protocols: endpoint.HTTP2})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, "http://" + addr
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	target := bodyApp(t, func(app *peer, head string) {
		body := ""
		if strings.Contains(head, "Transfer-Encoding: chunked\r\n") {
			if !strings.Contains(head, "\r\nTrailer: X-A\r\n") {
				t.Errorf("%q", head)
			}
			body = app.read(len("2\r\nhi\r\n0\r\nX-A: 1\r\n\r\n"))
		}
		if !strings.HasPrefix(head, "POST /a%2Fb?c HTTP/1.1\r\nHost: ") || body != "2\r\nhi\r\n0\r\nX-A: 1\r\n\r\n" {
			t.Errorf("%q %q", head, body)
		}
		app.send("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-B\r\n\r\n4\r\ndone\r\n0\r\nX-B: 2\r\nX-C: 3\r\n\r\n")
	})
	client, url := http2Client(t, forwarding(newRelay(t, Options{ForwardConnection: true}), target, nil))
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/a%2Fb?c", io.MultiReader(bytes.NewReader([]byte("hi"))))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{"X-A": {"1"}}
	req.Header.Set("Te", "trailers")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if string(body) != "done" || err != nil || res.ProtoMajor != 2 || res.Trailer.Get("X-B") != "2" || res.Trailer.Get("X-C") != "3" {
		t.Errorf("%q %v %v %v", body, err, res.Header, res.Trailer)
	}
	if got := res.Header; got.Get("Server") != "" || got.Get("Content-Type") != "" || got.Get("Connection") != "" || got.Get("Link") != "" {
		t.Errorf("%v", got)
	}
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	failed := make(failures, 1)
	client, url := http2Client(t, forwarding(newRelay(t, Options{}), nobody(t), failed))
	res, err := client.Post(url, "application/grpc+proto", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if refusal, ok := errors.AsType[*RefusalError](error(<-failed)); !ok || !refusal.GRPC || refusal.Hint() == "" {
		t.Errorf("%v", refusal)
	}
}

// TestHTTP2Aborts has a response that is not whole: its client must not take it for whole.
func TestHTTP2Aborts(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
	})
	client, url := http2Client(t, forwarding(newRelay(t, Options{}), target, nil))
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%q without an error", body)
	}
}
