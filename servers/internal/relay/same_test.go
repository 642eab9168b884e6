package relay

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAsReverseProxy passes the same requests on as httputil.ReverseProxy does: the app sees the same and so does the client.
// What the module adds and removes beyond it is left out here.
func TestAsReverseProxy(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(dumpApp))
	t.Cleanup(app.Close)
	target, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.RawQuery = target.Scheme, target.Host, r.In.URL.RawQuery
		if before := r.In.Header[forField]; before != nil {
			r.Out.Header[forField] = []string{strings.Join(before, ", ") + ", " + r.In.RemoteAddr}
		} else {
			r.Out.Header.Set(forField, r.In.RemoteAddr)
		}
		r.Out.Header.Set(protoField, "http")
		r.Out.Header.Del("Te")
	}}
	ours := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), Target{Address: target.Host}, nil))
	theirs := dialFront(t, serveFront(t, proxy, noTLS))
	for _, request := range []string{
		get("/"), get("/a/b%20c?d=e&f=%2F"), get("/a//b?"), get("/status/404"), get("/status/204"), get("/status/304"),
		get("/stream"), get("/trailers"), get("/large"), get("/server"), get("/cookies"),
		"HEAD /large HTTP/1.1\r\nHost: h\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: x-a\r\nX-A: 1\r\nKeep-Alive: 1\r\nUser-Agent: u\r\nAccept: */*\r\nAuthorization: Basic x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"BREW / HTTP/1.1\r\nHost: other:80\r\n\r\n",
	} {
		method, _, _ := strings.Cut(request, " ")
		ours.send(request)
		theirs.send(request)
		got, want := ours.answered(method), theirs.answered(method)
		if want.Header.Get("Server") == "Front" {
			want.Header.Del("Server") // ours has the app's or none
		}
		got.Body, want.Body = withoutPort(got.Body), withoutPort(want.Body)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-ReverseProxy +Relay):\n%s", request, diff)
		}
	}
}

// withoutPort hides the port of the client's own connection.
func withoutPort(body string) string {
	before, after, found := strings.Cut(body, "127.0.0.1:")
	if !found {
		return body
	}
	return before + strings.TrimLeft(after, "0123456789")
}

// dumpApp tells what it has got.
func dumpApp(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var status int
	switch _, err := fmt.Sscanf(r.URL.Path, "/status/%d", &status); {
	case err == nil:
		w.WriteHeader(status)
		return
	case r.URL.Path == "/trailers":
		w.Header().Set("Trailer", "X-T")
		defer w.Header().Set("X-T", "1")
		defer w.Header().Set(http.TrailerPrefix+"X-U", "2")
	case r.URL.Path == "/stream":
		w.Header().Set("Content-Type", "text/plain") // without it ReverseProxy's front may guess one; ours does not
		w.(http.Flusher).Flush()
	case r.URL.Path == "/large":
		w.Header().Set("Content-Length", "300000")
		io.WriteString(w, strings.Repeat("abc", 100_000))
		return
	case r.URL.Path == "/server":
		w.Header().Set("Server", "App")
	case r.URL.Path == "/cookies":
		w.Header()["Set-Cookie"] = []string{"b=1", "a=2"}
	}
	fmt.Fprintln(w, r.Method, r.RequestURI, r.Host, r.ContentLength, r.TransferEncoding, r.Trailer, err)
	keys := make([]string, 0, len(r.Header))
	for key := range r.Header {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(w, "%s: %q\n", key, r.Header[key])
	}
	w.Write(body)
}
