package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// describe answers with all that a handler sees of a request.
func describe(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Remote", r.RemoteAddr)
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %q %s %d %q %v %v\n", r.Method, r.RequestURI, r.Host, r.ContentLength, r.TransferEncoding, r.RemoteAddr != "", err)
	for _, fields := range []http.Header{r.Header, r.Trailer} {
		var lines []string
		for key, values := range fields {
			lines = append(lines, fmt.Sprintf("%s: %q\n", key, values))
		}
		slices.Sort(lines)
		fmt.Fprint(w, lines)
	}
	fmt.Fprintf(w, "%q", body)
}

// TestPlainCannotBeSeen has an app that is asked by clients of its own, and by way of a plain Relay over connections that
// describe them: it sees the same, and they get the same.
func TestPlainCannotBeSeen(t *testing.T) {
	t.Parallel()
	app := &kestrel.Server{Handler: http.HandlerFunc(describe)}
	t.Cleanup(func() { app.Close() })
	alone := serveFront(t, http.HandlerFunc(describe), kestrel.Binding{})
	r := newRelay(t, Options{Plain: true, Dial: func(ctx context.Context, _ Target) (net.Conn, error) {
		near, far, err := pair()
		if err != nil {
			return nil, err
		}
		client, _ := ctx.Value(clientKey{}).(net.Addr)
		return near, app.ServeConn(&serve.Described{Conn: far, Remote: client}, kestrel.Binding{})
	}})
	// Its Relay has one client here, so that one kept connection is as good as another.
	before := serveFront(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		client, err := net.ResolveTCPAddr("tcp", req.RemoteAddr)
		if err != nil {
			t.Error(err)
		}
		*req = *req.WithContext(context.WithValue(req.Context(), clientKey{}, net.Addr(client)))
		if err := r.Forward(w, req, Target{}); err != nil {
			t.Error(err)
		}
	}), kestrel.Binding{})
	direct, relayed := dialFront(t, alone), dialFront(t, before)
	for _, request := range []string{
		get("/a/../b%2f?c=%zz"),
		"GET / HTTP/1.1\r\nHost: h:80\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: gopher\r\nMs-Aspnetcore-Token: x\r\nA_b: c\r\nA-B: d\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nCookie: c=d\r\nAuthorization: Basic x\r\nPragma: no-cache\r\nEmpty:\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Forwarded-For\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 2\r\n\r\n",
		"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
		"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n",
		"BREW /x HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		method, _, _ := strings.Cut(request, " ")
		want, got := exchanged(direct, method, request), exchanged(relayed, method, request)
		if got != want {
			t.Errorf("%q: through the relay\n%s\nalone\n%s", request, got, want)
		}
	}
}

type clientKey struct{}

var ownDate = regexp.MustCompile(`Date:\[[^]]*\]`)

// exchanged gives the response. The app has to know the client's own address.
func exchanged(c *peer, method, request string) string {
	c.send(request)
	res, body, err := c.response(method)
	if res.Header.Get("X-Remote") != c.LocalAddr().String() {
		c.t.Errorf("the app takes %q for the client", res.Header.Get("X-Remote"))
	}
	res.Header.Del("X-Remote")
	res.Header.Del("Server") // serveFront has one, and a relay none
	return fmt.Sprint(res.StatusCode, ownDate.ReplaceAllString(fmt.Sprint(res.Header), ""), res.ContentLength, body, err)
}

// pair gives both ends of a connection.
func pair() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = l.Accept(); err != nil {
		return nil, nil, errors.Join(err, near.Close())
	}
	return near, far, nil
}
