//go:build amd64 || arm64

package httpsys

import (
	"context"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/cache"
	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// send has the system send p and q, after the head if that was not sent. With last the response is complete.
func (w *response) send(p, q []byte, last bool) error {
	switch {
	case w.complete:
		return errEnded
	case w.x.context.inner.Err() != nil:
		return w.fail(context.Cause(w.x.context.inner))
	case w.sent:
		return w.fail(w.sendBody(p, q, last))
	}
	last = last || !w.hasBody() // a Flush of a response without a body
	w.sent, w.complete = true, last
	trails := last && w.hasTrailer()
	err := w.sendHead(p, q, !last || trails)
	if err == nil && trails {
		err = w.sendBody(nil, nil, true)
	}
	return w.fail(err)
}

// sendHead sends the head, with p and q as what there is of the body. more says that this is not all.
func (w *response) sendHead(p, q []byte, more bool) error {
	x, header := w.x, w.frozen
	maps.DeleteFunc(header, func(name string, _ []string) bool { return strings.HasPrefix(name, http.TrailerPrefix) })
	if x.host.server.ServerHeader != "" && header.Get("Server") == "" {
		header.Set("Server", x.host.server.ServerHeader)
	}
	w.setFraming(int64(len(p)+len(q)), more)
	var flags uint32
	if w.closes() {
		flags = httpapi.SendDisconnect
		if !hasToken(header, "Connection", "close") {
			header.Add("Connection", "close")
		}
	}
	if more {
		flags = httpapi.SendMoreData
	}
	return w.call(flags, w.frame(p, q, false))
}

// setFraming decides how the body is framed (reference: HttpSys' Response.ComputeHeaders). n is how much of it is there.
func (w *response) setFraming(n int64, more bool) {
	header := w.frozen
	header.Del("Transfer-Encoding")
	switch {
	case !bodyAllowed(w.status):
		header.Del("Content-Length")
	case w.method == http.MethodHead:
		if w.length < 0 && w.ended && w.written > 0 {
			header.Set("Content-Length", strconv.FormatInt(w.written, 10))
		}
	case !more && n == 0:
		header.Set("Content-Length", "0")
	case !more:
		header.Del("Content-Length") // the system adds it; with this one its cache would send two
	case w.length < 0 && w.minor >= 1:
		w.chunked = true
		header.Set("Transfer-Encoding", "chunked")
	case w.length < 0:
		w.closing = true // the end of the connection, or of the stream, is the end of the body
	}
}

// closes reports whether the connection ends with this response.
func (w *response) closes() bool {
	return w.closing || hasToken(w.frozen, "Connection", "close") || w.x.host.accepting.Err() != nil
}

// hasTrailer reports whether something is to follow the body: not behind a length, where HTTP/1.1 has no place for it.
func (w *response) hasTrailer() bool {
	return w.hasBody() && w.canTrail() && (w.length < 0 || w.minor < 0) && len(w.trailer()) > 0
}

// call sends the head.
func (w *response) call(flags uint32, chunks []httpapi.DataChunk) error {
	x := w.x
	head, err := httpapi.NewHead(w.status, w.frozen, httpapi.Lacks("MultipleKnownHeaders"))
	if err != nil {
		return err
	}
	if w.hasBody() {
		head.SetBody(chunks)
	}
	policy := w.policy(flags&httpapi.SendMoreData == 0)
	_, err = x.host.do(x.context.inner, func(n *uint32, o *windows.Overlapped) error {
		return httpapi.SendHTTPResponse(x.host.queue, x.id, flags, &head.Response, policy, n, 0, 0, o, 0)
	})
	return err
}

// policy says whether the kernel may answer the next such request by itself (reference: servers.md, 4.4): a response that
// comes in one call only.
func (w *response) policy(whole bool) *httpapi.CachePolicy {
	policy := &httpapi.CachePolicy{Policy: httpapi.CacheNot}
	if !whole || w.x.request == nil || !w.x.host.options.CachesResponses() {
		return policy
	}
	if d := cache.Lifetime(w.x.request, w.status, w.frozen, time.Now()); d >= time.Second {
		policy.Policy, policy.SecondsToLive = httpapi.CacheTimeToLive, uint32(min(d/time.Second, math.MaxInt32))
	}
	return policy
}

// sendBody sends more of the body, or its end.
func (w *response) sendBody(p, q []byte, last bool) error {
	w.complete = last
	x := w.x
	var flags uint32
	trailers := last && w.minor < 0 && w.hasTrailer() // in HTTP/1.1 they are in the frame
	if !last || trailers {
		flags = httpapi.SendMoreData
	} else if w.closes() {
		flags = httpapi.SendDisconnect
	}
	chunks := w.frame(p, q, last)
	if len(chunks) > 0 || !trailers {
		_, err := x.host.do(x.context.inner, func(n *uint32, o *windows.Overlapped) error {
			return httpapi.SendResponseEntityBody(x.host.queue, x.id, flags, uint16(len(chunks)), unsafe.Pointer(unsafe.SliceData(chunks)), n, 0, 0, o, 0)
		})
		if err != nil || !trailers {
			return err
		}
	}
	return w.sendTrailers()
}

// sendTrailers ends a response in HTTP/2 or HTTP/3.
func (w *response) sendTrailers() error {
	x := w.x
	fields := httpapi.NewTrailerFields(w.trailer())
	chunk := httpapi.NewTrailers(fields)
	_, err := x.host.do(x.context.inner, func(n *uint32, o *windows.Overlapped) error {
		return httpapi.SendResponseEntityBody(x.host.queue, x.id, 0, 1, unsafe.Pointer(&chunk), n, 0, 0, o, 0)
	})
	return err
}

// frame gives the chunks of p and q, with HTTP/1.1's framing where the system leaves that to the program.
func (w *response) frame(p, q []byte, last bool) []httpapi.DataChunk {
	var chunks []httpapi.DataChunk
	n := len(p) + len(q)
	if w.chunked && n > 0 {
		chunks = append(chunks, httpapi.NewData(append(strconv.AppendInt(nil, int64(n), 16), "\r\n"...)))
	}
	for _, data := range [][]byte{p, q} {
		if len(data) > 0 {
			chunks = append(chunks, httpapi.NewData(data))
		}
	}
	if w.chunked && n > 0 {
		chunks = append(chunks, httpapi.NewData([]byte("\r\n")))
	}
	if w.chunked && last {
		end := []byte("0\r\n")
		for _, field := range httpapi.NewTrailerFields(w.trailer()) {
			end = field.AppendTo(end)
		}
		chunks = append(chunks, httpapi.NewData(append(end, "\r\n"...)))
	}
	return chunks
}
