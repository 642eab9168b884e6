//go:build amd64 || arm64

package httpsys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// exchange is one request and its answer. It belongs to the goroutine of its request, but for what the context does.
type exchange struct {
	host       *host
	id         uint64 // of the request; the system does not know it any more when the answer is complete
	connection uint64
	handler    http.Handler

	context  *requestContext
	cancel   context.CancelCauseFunc
	request  *http.Request // nil for one that is refused
	remote   net.Addr
	local    net.Addr
	tls      *tls.ConnectionState // nil without TLS
	body     *body                // nil when there is none
	maxBody  int64                // in bytes; above every length when there is no limit
	response response
	refusal  atomic.Int32 // the status with which the server itself answers; 0: it does not
}

// newExchange copies all that is needed out of native.
func newExchange(h *host, native *httpapi.Request) *exchange {
	x := &exchange{
		host: h, id: native.RequestID, connection: native.ConnectionID, maxBody: h.maxBody, handler: h.handler(native.URLContext),
		remote: net.TCPAddrFromAddrPort(native.RemoteAddr()), local: net.TCPAddrFromAddrPort(native.LocalAddr()),
	}
	inner, cancel := context.WithCancelCause(h.living)
	x.context, x.cancel = &requestContext{x: x, inner: inner}, cancel
	if native.SSLInfo != nil {
		x.tls = h.tlsState(native)
	}
	if err := x.read(native); err != nil {
		h.log.Debug("request refused", slog.Int("status", http.StatusBadRequest), slog.Any("reason", err), slog.Any("remote", x.remote))
		x.refusal.Store(http.StatusBadRequest)
	}
	x.response.begin(x, native)
	return x
}

// read makes net/http's request. The system has checked its syntax; what is refused here is a target that net/url does not
// read.
func (x *exchange) read(native *httpapi.Request) error {
	target := native.Target()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err
	}
	host := u.Host // of a target in absolute form, which becomes origin form, as with package serve
	u.Scheme, u.Host, u.User = "", "", nil
	serve.CleanPath(u)
	header := http.Header{}
	native.Headers.Fields(header.Add)
	r := &http.Request{
		Method: native.Method(), URL: u, RequestURI: target, Header: header, Host: host, TLS: x.tls,
		RemoteAddr: x.remote.String(), Body: http.NoBody, Close: hasToken(header, "Connection", "close"),
	}
	r.ProtoMajor, r.ProtoMinor = native.HTTP()
	r.Proto = fmt.Sprintf("HTTP/%d.%d", r.ProtoMajor, r.ProtoMinor)
	if r.Host == "" {
		r.Host = header.Get("Host")
	}
	header.Del("Host")
	x.readBody(r, native)
	x.request = r.WithContext(x.context)
	return nil
}

func (x *exchange) readBody(r *http.Request, native *httpapi.Request) {
	if hasToken(r.Header, "Transfer-Encoding", "chunked") {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		r.Header.Del("Transfer-Encoding")
	} else if length := r.Header.Get("Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 {
			n = -1
		}
		r.ContentLength = n
	} else if native.Flags&httpapi.RequestMoreEntityBody != 0 {
		r.ContentLength = -1
	}
	if native.Flags&httpapi.RequestMoreEntityBody != 0 {
		x.body = newBody(x, r.ContentLength)
		r.Body = x.body
	}
}

// tlsState is as much as the system tells: no cipher suite, no name.
func (h *host) tlsState(native *httpapi.Request) *tls.ConnectionState {
	state := &tls.ConnectionState{HandshakeComplete: true, Version: native.TLSVersion()}
	if native.Flags&httpapi.RequestHTTP2 != 0 {
		state.NegotiatedProtocol = "h2"
	}
	if h.options.ClientCertificateMethod == NoCertificate {
		return state
	}
	der := native.SSLInfo.ClientCert.DER()
	if der == nil && native.SSLInfo.ClientCertNegotiated != 0 {
		der = h.clientCertificate(native.ConnectionID)
	}
	if certificate, err := x509.ParseCertificate(der); err == nil {
		state.PeerCertificates = []*x509.Certificate{certificate}
	}
	return state
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h[name] {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// serve calls the handler and completes the answer.
func (x *exchange) serve() {
	defer x.end()
	if x.request == nil {
		x.response.refuse()
		return
	}
	if x.call() {
		x.response.finish()
	}
}

// call reports whether the handler has returned. When it has panicked, the client gets 500 if nothing was sent, else its
// connection is cut off, as it is after http.ErrAbortHandler.
func (x *exchange) call() (ok bool) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p != http.ErrAbortHandler {
			stack := make([]byte, 64<<10)
			stack = stack[:runtime.Stack(stack, false)]
			x.host.log.Error("panic in a handler", slog.String("remote", x.request.RemoteAddr), slog.Any("panic", p), slog.String("stack", string(stack)))
			x.refusal.CompareAndSwap(0, http.StatusInternalServerError)
			if x.response.refuse() {
				return
			}
		}
		x.abort()
	}()
	x.handler.ServeHTTP(&x.response, x.request)
	return true
}

// end lets go of everything: what the handler still does with the request fails.
func (x *exchange) end() {
	if x.body != nil {
		x.body.Close()
	}
	x.context.end()
	x.cancel(context.Canceled)
	if x.request != nil && x.request.MultipartForm != nil {
		x.request.MultipartForm.RemoveAll()
	}
}

// abort cuts the client off.
func (x *exchange) abort() {
	x.cancel(http.ErrAbortHandler)
	if httpapi.Lacks("CancelHTTPRequest") {
		return
	}
	err := x.host.now(func() error { return httpapi.CancelHTTPRequest(x.host.queue, x.id, nil) })
	if err != nil && !isGone(err) {
		x.host.log.Debug("a request cannot be cancelled", slog.Any("error", err))
	}
}

// isGone reports whether the client, or the answer, is over.
func isGone(err error) bool {
	for _, gone := range []error{windows.ERROR_CONNECTION_INVALID, windows.ERROR_NETNAME_DELETED, windows.ERROR_OPERATION_ABORTED, windows.ERROR_INVALID_PARAMETER, net.ErrClosed, context.Canceled} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// isMissing reports whether this Windows does not have a call.
func isMissing(err error) bool {
	_, isProc := errors.AsType[*windows.DLLError](err)
	return isProc
}
