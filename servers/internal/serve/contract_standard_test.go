package serve_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// muxes are http.ServeMux and what it leaves in a request.
func muxes() []promise {
	routed := func(n *notes, w http.ResponseWriter, r *http.Request) {
		mux := http.NewServeMux()
		show := func(w http.ResponseWriter, r *http.Request) {
			n.note("pattern %q, id %q, rest %q", r.Pattern, r.PathValue("id"), r.PathValue("rest"))
			io.WriteString(w, r.URL.Path)
		}
		mux.HandleFunc("GET /items/{id}", show)
		mux.HandleFunc("POST h/items/{id}", show)
		mux.HandleFunc("/files/{rest...}", show)
		mux.HandleFunc("/exact/{$}", show)
		mux.Handle("/strip/", http.StripPrefix("/strip", http.HandlerFunc(show)))
		mux.HandleFunc("/dir/", show)
		mux.ServeHTTP(w, r)
	}
	var all []promise
	for _, ask := range []string{"GET /items/5", "HEAD /items/5", "POST /items/5", "PUT /items/5", "GET /items/a%2Fb", "GET /files/a/b", "GET /files//a",
		"GET /exact/", "GET /exact/more", "GET /strip/x", "GET /dir", "GET /dir/x", "GET /none", "GET /dir//x?q"} {
		method, path, _ := strings.Cut(ask, " ")
		all = append(all, promise{name: "mux: " + ask, request: requestFor(method, path), handler: routed})
	}
	return all
}

// wrappers are handlers of net/http around others.
func wrappers() []promise {
	timed := func(limit time.Duration, h handler) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(n, w, r) })
			http.TimeoutHandler(inner, limit, "too slow").ServeHTTP(w, r)
		}
	}
	return []promise{
		{name: "TimeoutHandler: in time", request: request("GET"), handler: timed(longest, sets(http.Header{"A": {"b"}}))},
		{name: "TimeoutHandler: in time, with a body", request: post("hello"), handler: timed(longest, func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.read(r.Body)
			w.WriteHeader(201)
		})},
		{name: "TimeoutHandler: too late", request: request("GET"), handler: timed(10*time.Millisecond, func(n *notes, w http.ResponseWriter, r *http.Request) {
			defer n.open("over")
			n.done("the context", r.Context().Done())
			n.note("context: %v", r.Context().Err())
			for {
				if _, err := w.Write([]byte("lost")); err != nil {
					n.got("write", err)
					return
				}
			}
		}), after: func(n *notes) { n.await("over") }, has: []string{"> HTTP/1.1 503", "ErrHandlerTimeout"}},
		{name: "TimeoutHandler: panic", request: request("GET"), handler: timed(longest, func(*notes, http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		})},
		{name: "AllowQuerySemicolons", request: requestFor("GET", "/?a=1;b=2"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			http.AllowQuerySemicolons(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n.note("%q", r.URL.Query())
			})).ServeHTTP(w, r)
		}},
		{name: "query with a semicolon", request: requestFor("GET", "/?a=1;b=2"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.note("failed: %v, form %v", r.ParseForm() != nil, r.Form)
		}},
		{name: "cookies", request: request("GET", "Cookie: a=1"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c, err := r.Cookie("a")
			n.note("%v %v", c, err)
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", HttpOnly: true})
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "3", Path: "/"})
		}},
		{name: "basic authorization", request: request("GET", "Authorization: Basic dTpw"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			user, password, ok := r.BasicAuth()
			n.note("%s %s %v", user, password, ok)
		}},
	}
}

// modified is when all served files were changed.
var modified = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// fileServing is http.ServeContent and http.FileServer.
func fileServing() []promise {
	content := func(n *notes, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"tag"`)
		http.ServeContent(w, r, "page.txt", modified, strings.NewReader(pattern(5000)))
	}
	folder := func(n *notes, w http.ResponseWriter, r *http.Request) {
		dir := n.t.TempDir()
		for name, size := range map[string]int{"page.html": 3000, "large.bin": 600_000, "empty.txt": 0, "a b.txt": 10} {
			file := filepath.Join(dir, name)
			n.got("write", os.WriteFile(file, []byte(pattern(size)), 0o600))
			n.got("date", os.Chtimes(file, modified, modified))
		}
		n.got("date", os.Chtimes(dir, modified, modified))
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}
	var all []promise
	for name, lines := range map[string][]string{
		"all": nil, "a range": {"Range: bytes=10-19"}, "a suffix": {"Range: bytes=-10"}, "two ranges": {"Range: bytes=0-1,10-19"},
		"no such range": {"Range: bytes=9000-"}, "bad range": {"Range: bytes=b"}, "not modified": {`If-None-Match: "tag"`},
		"not modified since": {"If-Modified-Since: Mon, 06 May 2024 07:08:09 GMT"}, "precondition": {`If-Match: "other"`},
		"range if the same": {"Range: bytes=0-1", `If-Range: "tag"`}, "range if not": {"Range: bytes=0-1", `If-Range: "other"`},
	} {
		all = append(all,
			promise{name: "ServeContent: " + name, request: request("GET", lines...), handler: content},
			promise{name: "ServeContent to HEAD: " + name, request: request("HEAD", lines...), handler: content},
			promise{name: "FileServer: " + name, request: requestFor("GET", "/large.bin", lines...), handler: folder})
	}
	for _, path := range []string{"/page.html", "/empty.txt", "/a%20b.txt", "/none", "/", "/page.html/"} {
		all = append(all,
			promise{name: "FileServer: " + path, request: requestFor("GET", path), handler: folder},
			promise{name: "FileServer to HEAD: " + path, request: requestFor("HEAD", path), handler: folder})
	}
	return all
}

// behind is a handler that passes requests on to a server of net/http which answers them by h.
func behind(h handler) handler {
	return func(n *notes, w http.ResponseWriter, r *http.Request) {
		back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(n, w, r) }))
		defer back.Close()
		target, err := url.Parse(back.URL)
		n.got("url", err)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		proxy := &httputil.ReverseProxy{
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0),
			Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() },
		}
		proxy.ServeHTTP(w, r)
	}
}

// proxies are httputil.ReverseProxy as the handler.
func proxies() []promise {
	return []promise{
		{name: "proxy: GET", request: requestFor("GET", "/a?b"), handler: behind(look)},
		{name: "proxy: HEAD", request: request("HEAD"), handler: behind(sets(http.Header{"Content-Length": {"5"}}))},
		{name: "proxy: body", request: post(pattern(9000)), handler: behind(reading)},
		{name: "proxy: chunks", request: chunked(hello + "0\r\n\r\n"), handler: behind(reading)},
		{name: "proxy: large answer", request: request("GET"), handler: behind(func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, pattern(300_000))
		})},
		{name: "proxy: trailers", request: request("GET"), handler: behind(func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "A")
			io.WriteString(w, "hello")
			w.Header().Set("A", "1")
			w.Header().Set(http.TrailerPrefix+"B", "2")
		}), has: []string{"> A: 1"}},
		{name: "proxy: early hints", request: request("GET"), handler: behind(func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			io.WriteString(w, "hello")
		}), has: []string{"> HTTP/1.1 103"}},
		{name: "proxy: flushed pieces", handler: behind(flushing), play: func(p *peer) {
			p.send(request("GET"))
			p.until("first")
			p.n.open("first seen")
			p.until("second")
			p.n.open("second seen")
			p.answer("GET")
		}},
		{name: "proxy: cut off", request: request("GET"), handler: behind(func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}), has: []string{"closed"}},
		{name: "proxy: upgrade", handler: behind(taking(speak)), play: func(p *peer) {
			p.send(request("GET", "Connection: Upgrade", "Upgrade: own"))
			p.until("\r\n\r\n")
			p.send("one\n")
			p.until("you said one\n")
			p.send("bye\n")
			p.rest()
		}, has: []string{"> HTTP/1.1 101 Switching Protocols", "you said one"}},
		{name: "proxy: client leaves", handler: behind(func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.open("running")
			n.done("the context", r.Context().Done())
			n.open("gone")
		}), play: func(p *peer) {
			p.send(request("GET"))
			p.n.await("running")
			p.leave()
			p.n.await("gone")
		}},
		{name: "proxy: nobody behind", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			proxy := &httputil.ReverseProxy{
				Transport: &http.Transport{DialContext: nobody},
				Rewrite:   func(p *httputil.ProxyRequest) { p.Out.URL.Scheme, p.Out.URL.Host = "http", "nobody" },
				ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
					n.note("error: %v", err)
					http.Error(w, fmt.Sprint(err), http.StatusBadGateway)
				},
			}
			proxy.ServeHTTP(w, r)
		}, has: []string{"> HTTP/1.1 502"}},
	}
}

func nobody(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
