package serve_test

import (
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
)

// look notes what a request says, before its body is read.
func look(n *notes, w http.ResponseWriter, r *http.Request) {
	n.note("proto %s %d.%d, host %q, close %v", r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host, r.Close)
	n.note("length %d, coding %q, trailer %q", r.ContentLength, r.TransferEncoding, r.Trailer)
	n.note("url %q: scheme %q, user %v, host %q, path %q, raw path %q, query %q, force %v, opaque %q, fragment %q", r.URL, r.URL.Scheme,
		r.URL.User, r.URL.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery, r.URL.Opaque, r.URL.Fragment)
	for _, key := range slices.Sorted(maps.Keys(r.Header)) {
		n.note("field %s: %q", key, r.Header[key])
	}
	n.note("body: nil %v, none %v", r.Body == nil, r.Body == http.NoBody)
	n.note("client's address: %v, TLS: %v, pattern %q, form %v, multipart %v, response %v", r.RemoteAddr == n.client, r.TLS, r.Pattern,
		r.Form, r.MultipartForm, r.Response)
}

// requestFields are what a handler sees of a request.
func requestFields() []promise {
	all := map[string]string{
		"plain":                    request("GET"),
		"1.0":                      old("GET"),
		"1.0 with host":            old("GET", "Host: h"),
		"close":                    request("GET", "Connection: close"),
		"keep-alive":               old("GET", "Connection: keep-alive"),
		"length":                   post("hello"),
		"length zero":              request("POST", "Content-Length: 0"),
		"POST without a length":    request("POST"),
		"GET with a body":          request("GET", "Content-Length: 5") + "hello",
		"HEAD with a body":         request("HEAD", "Content-Length: 5") + "hello",
		"chunks":                   chunked("5\r\nhello\r\n0\r\n\r\n"),
		"coding in capitals":       request("POST", "Transfer-Encoding: Chunked") + "0\r\n\r\n",
		"announced trailers":       chunked("0\r\nA: 1\r\nB: 2\r\n\r\n", "Trailer: A, b"),
		"method of its own":        request("FROB"),
		"method in lower case":     request("get"),
		"query":                    requestFor("GET", "/a?b=c&d"),
		"query empty":              requestFor("GET", "/a?"),
		"query with odd bytes":     requestFor("GET", "/a?b='\"<>%zz"),
		"escapes":                  requestFor("GET", "/a%2Fb%20c%41?d%20e"),
		"two slashes":              requestFor("GET", "//a//b"),
		"odd path":                 requestFor("GET", "/a;b=c/!$&'()*+,:@[]^|{}`\"<>\\"),
		"host with a port":         "GET / HTTP/1.1\r\nHost: example.com:8080\r\n\r\n",
		"host of six":              "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"host in capitals":         "GET / HTTP/1.1\r\nhOST: EXAMPLE.com\r\n\r\n",
		"host empty":               "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"absolute form":            "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
		"absolute form with user":  "GET http://u:p@h/a HTTP/1.1\r\nHost: h\r\n\r\n",
		"absolute form, no path":   "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
		"connect":                  "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
		"names are canonical":      request("GET", "x-a: 1", "X-B-c: 2", "ETAG: 3", "www-authenticate: 4", "a_b: 5"),
		"repeated fields":          request("GET", "A: 1", "B: 2", "a: 3", "A: 1"),
		"values are trimmed":       request("GET", "A:1", "B:  2\t ", "C:", "D: \t", "E: a  b"),
		"values beyond ASCII":      request("GET", "A: é", "B: ü"),
		"values that are no UTF-8": request("GET", "A: \x80\xff"),
		"cookies":                  request("GET", "Cookie: a=b; c=d", "Cookie: e=f"),
		"pragma":                   request("GET", "Pragma: no-cache"),
		"hop by hop":               request("GET", "Connection: A", "A: 1", "Upgrade: b", "TE: trailers", "Keep-Alive: 5"),
		"trailer without chunks":   request("GET", "Trailer: A"),
		"expect":                   request("POST", "Expect: 100-continue", "Content-Length: 0"),
		"bare line feeds":          "GET / HTTP/1.1\nHost: h\nA: b\n\n",
		"ninety fields":            request("GET", strings.Split(strings.Repeat("A: b\n", 90), "\n")[:90]...),
	}
	var out []promise
	for name, request := range all {
		out = append(out, promise{name: "request: " + name, request: request, handler: look})
	}
	return out
}

// requestLines are requests for which net/http has other answers of its own than a handler's.
func requestLines() []promise {
	refused := func(name, request string) promise {
		return promise{name: "refused: " + name, request: request, handler: look, calls: -1}
	}
	return []promise{
		{name: "request: options for all", request: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", handler: look, play: func(p *peer) {
			p.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
		}, calls: -1},
		{name: "request: dots in the path", request: requestFor("GET", "/a/../b/./c"), handler: look},
		{name: "request: expectation of its own", request: request("GET", "Expect: more"), handler: look, calls: -1},
		{name: "request: upload of 1.0 without a length", request: old("POST"), handler: look, calls: -1},
		{name: "request: line ends before", request: "\r\n\r\n" + request("GET"), handler: look, calls: -1},
		refused("no host", "GET / HTTP/1.1\r\n\r\n"),
		refused("two hosts", request("GET", "Host: h")),
		refused("no version", "GET /\r\n\r\n"),
		refused("space in a name", request("GET", "A B: c")),
		refused("two lengths", request("POST", "Content-Length: 1", "Content-Length: 2")+"xx"),
		refused("coding unknown", request("POST", "Transfer-Encoding: gzip")),
	}
}

// forms are the parsing of bodies by Request.
func forms() []promise {
	const kind = "Content-Type: application/x-www-form-urlencoded"
	form := func(n *notes, w http.ResponseWriter, r *http.Request) {
		n.got("parse", r.ParseForm())
		n.note("form %v, post %v", r.Form, r.PostForm)
		n.note("a %q", r.FormValue("a"))
	}
	return []promise{
		{name: "form of a query", request: requestFor("GET", "/?a=1&a=2&b"), handler: form},
		{name: "form of a body", request: post("a=1&b=2", kind), handler: form, has: []string{"note a \"1\""}},
		{name: "form of both", request: requestFor("POST", "/?a=0", kind, "Content-Length: 3") + "a=1", handler: form},
		{name: "form in chunks", request: chunked("3\r\na=1\r\n0\r\n\r\n", kind), handler: form},
		{name: "form of no body", request: request("POST", kind), handler: form},
		{name: "multipart form", request: upload(100), handler: uploaded, after: forgotten, has: []string{"in memory"}},
		{name: "multipart form with a file on disk", request: upload(200_000), handler: uploaded, after: forgotten, has: []string{"on disk", "gone: true"}},
		{name: "multipart form of a handler that panics", request: upload(200_000), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("parse", r.ParseMultipartForm(1000))
			n.note("files %d", len(r.MultipartForm.File["f"]))
			r.MultipartForm.RemoveAll() // net/http leaves them then
			panic(http.ErrAbortHandler)
		}},
	}
}

// upload is a form with a file of n bytes.
func upload(n int) string {
	const boundary = "0000000000000000000000000000000000000000"
	body := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\r\n" + pattern(n) + "\r\n" +
		"--" + boundary + "--\r\n"
	return post(body, "Content-Type: multipart/form-data; boundary="+boundary)
}

func uploaded(n *notes, w http.ResponseWriter, r *http.Request) {
	n.got("parse", r.ParseMultipartForm(1000))
	n.note("value %q, %q", r.MultipartForm.Value, r.FormValue("a"))
	f, head, err := r.FormFile("f")
	n.got("file", err)
	n.note("%s of %d bytes", head.Filename, head.Size)
	where := fileOf(f)
	n.later <- func() {
		if where == "" {
			n.note("in memory")
			return
		}
		_, err := os.Stat(where)
		n.note("on disk, gone: %v", os.IsNotExist(err))
	}
}

// fileOf closes f and gives the name of its file, or nothing.
func fileOf(f multipart.File) string {
	defer f.Close()
	if file, ok := f.(*os.File); ok {
		return file.Name()
	}
	return ""
}

func forgotten(n *notes) { (<-n.later)() }
