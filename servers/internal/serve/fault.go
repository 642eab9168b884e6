package serve

import (
	"fmt"
	"net/http"
	"time"
)

// A RequestError is what a handler gets from reading the body of a request that the server has refused. The client has had
// its answer by then, or is cut off; nothing that the handler writes reaches it any more.
type RequestError struct {
	Status int    // 400, 408, 413 or 431
	Reason string // what was wrong with the request
	err    error
}

func (e *RequestError) Error() string {
	return fmt.Sprintf("request refused with %d: %s", e.Status, e.Reason)
}

// Unwrap gives an *http.MaxBytesError for 413, as handlers written for net/http expect, else nil.
func (e *RequestError) Unwrap() error { return e.err }

// fault is why a request is refused.
type fault struct {
	status int
	reason string
	allow  string // for 405
	text   string // the body of the answer
	goaway bool   // the client speaks HTTP/2, and is told so in its own language
}

func (f *fault) Error() string { return f.reason }

func bad(reason string) *fault { return &fault{status: http.StatusBadRequest, reason: reason} }

var (
	faultLineTooLong    = &fault{status: http.StatusRequestURITooLong, reason: "request line too long"}
	faultHeadersTooLong = &fault{status: http.StatusRequestHeaderFieldsTooLarge, reason: "headers too long"}
	faultTooManyHeaders = &fault{status: http.StatusRequestHeaderFieldsTooLarge, reason: "too many headers"}
	faultHeadTimeout    = &fault{status: http.StatusRequestTimeout, reason: "the head took too long"}
	faultBodyTooSlow    = &fault{status: http.StatusRequestTimeout, reason: "the body came too slowly"}
	faultBodyTooLarge   = &fault{status: http.StatusRequestEntityTooLarge, reason: "body too large"}
	faultVersion        = &fault{status: http.StatusHTTPVersionNotSupported, reason: "unknown HTTP version"}
	faultNotHTTP2       = &fault{status: http.StatusBadRequest, text: "An HTTP/1.x request was sent to an HTTP/2 only endpoint.", reason: "HTTP/1.x where HTTP/2 alone is served"}
	faultHTTP2          = &fault{status: http.StatusHTTPVersionNotSupported, reason: "HTTP/2 on an HTTP/1.1 connection", goaway: true}
)

// goAway is an HTTP/2 GOAWAY frame with HTTP_1_1_REQUIRED (RFC 9113, 6.8), which Kestrel sends to a client that begins with
// HTTP/2's preface.
const goAway = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0d"

// answer gives the bytes that go to the client, in Kestrel's form (reference: servers.md, 3.8).
func (f *fault) answer(server string) []byte {
	if f.goaway {
		return []byte(goAway)
	}
	b := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\nDate: %s\r\n",
		f.status, http.StatusText(f.status), len(f.text), time.Now().UTC().Format(http.TimeFormat))
	if server != "" {
		b = fmt.Appendf(b, "Server: %s\r\n", server)
	}
	if f.allow != "" {
		b = fmt.Appendf(b, "Allow: %s\r\n", f.allow)
	}
	return append(append(b, "\r\n"...), f.text...)
}
