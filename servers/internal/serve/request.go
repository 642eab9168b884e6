package serve

import (
	"net/http"
	"net/url"
	"strings"
)

// newRequest makes what the handler gets.
func (c *conn) newRequest(x *exchange) *http.Request {
	h := &c.head
	header, host := h.header(x.text)
	r := http.Request{
		Method:     methodOf(h.method.in(x.text)),
		RequestURI: h.target.in(x.text),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: int(x.minor),
		Header:     header,
		Host:       host,
		Body:       http.NoBody,
		Close:      h.close || x.minor == 0 && !h.keep,
		RemoteAddr: c.remote,
		TLS:        c.tls,
	}
	if x.minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	r.URL = h.url(&r)
	if h.special {
		h.frame(&r)
	}
	request := r.WithContext(&x.context)
	x.response.request = request
	if x.body != nil {
		x.body.request = request
		request.Body = x.body
	}
	return request
}

// methodOf gives the usual methods without holding on to the head.
func methodOf(s string) string {
	switch s {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	case http.MethodHead:
		return http.MethodHead
	}
	return s
}

// header makes the header from the lines that parse has found, and gives the Host field, which is not part of it.
func (h *head) header(text string) (header http.Header, host string) {
	header = make(http.Header, len(h.lines))
	values := make([]string, len(h.lines)) // one allocation for all fields
	for i, l := range h.lines {
		value := text[l.value.from:l.value.to]
		if l.host {
			host = value
			continue
		}
		key := http.CanonicalHeaderKey(text[l.name.from:l.name.to])
		if more, found := header[key]; found {
			header[key] = append(more, value)
			continue
		}
		values[i] = value
		header[key] = values[i : i+1 : i+1]
	}
	return header, host
}

// frame is for requests with fields that say more than a name and a value.
func (h *head) frame(r *http.Request) {
	fields := r.Header
	switch {
	case h.chunked:
		r.ContentLength = -1
		r.TransferEncoding = []string{"chunked"}
		delete(fields, "Transfer-Encoding")
		if length, found := fields["Content-Length"]; found {
			fields["X-Content-Length"] = length // as Kestrel does: it did not count
			delete(fields, "Content-Length")
		}
		announceTrailers(r)
	case h.length >= 0:
		r.ContentLength = h.length
	}
	// As net/http has it (RFC 9111, 5.4).
	if pragma := fields["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" {
		if _, found := fields["Cache-Control"]; !found {
			fields["Cache-Control"] = []string{"no-cache"}
		}
	}
}

// url gives what net/http would have made of the target, after dot segments were removed.
func (h *head) url(r *http.Request) *url.URL {
	target := r.RequestURI
	if h.clean != nil {
		target = string(h.clean)
	}
	switch h.form {
	case asterisk:
		return &url.URL{Path: target}
	case authority:
		return &url.URL{Host: target}
	}
	u := parseTarget(target)
	if h.form == absolute {
		if whole, err := url.Parse(r.RequestURI); err == nil {
			u.Scheme, u.User, u.Host = whole.Scheme, whole.User, whole.Host
			r.Host = whole.Host
		}
	}
	return u
}

// isPlain has the characters of a path that mean themselves and that net/url would write in the same way.
var isPlain = table(func(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.~$&+,/:;=@", c) >= 0
})

// parseTarget spares net/url the common case. What is left to it is well-formed by now.
func parseTarget(target string) *url.URL {
	path, query, asked := strings.Cut(target, "?")
	for i := range len(path) {
		if !isPlain[path[i]] {
			u, err := url.ParseRequestURI(target)
			if err != nil { // an escape in the path is whole, and nothing else is an error
				return &url.URL{Path: path, RawQuery: query}
			}
			return u
		}
	}
	return &url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
}
