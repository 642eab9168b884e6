package relay

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// Error says why a request could not be passed on, when nothing of a response has gone to the client. By reference:
// servers.md, 1.7, it is 502.3, or 400 when Client is true.
type Error struct {
	Sent      bool  // the app may have seen the request, or a part of it
	Timeout   bool  // the app has taken longer than Options.Timeout
	Client    bool  // not the app's fault: the client has gone, the context of the request has ended, its body cannot be read, or Err is a *RefusalError
	Retriable bool  // Forward may be called again with the same request, for another process: nothing of it is lost or done twice
	Err       error // what has happened. Never nil
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// RefusalError is the Err of an Error for a request that cannot be carried. Nothing was sent, except where the app has agreed to
// an upgrade that the front's server does not allow.
type RefusalError struct {
	Status int    // that says so to a client of plain HTTP
	GRPC   bool   // it is gRPC
	Reason string // why
	Err    error  // the server's reason, if it is one; else nil
	hint   string
}

func (e *RefusalError) Error() string { return e.Reason }
func (e *RefusalError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *RefusalError) Hint() string { return e.hint }

// ResponseError is the Err of an Error for a response that is not HTTP/1.x as it has to be.
type ResponseError struct{ Reason string }

func (e *ResponseError) Error() string { return "the app's response cannot be read: " + e.Reason }

func badResponse(format string, args ...any) error {
	return &ResponseError{fmt.Sprintf(format, args...)}
}

// refuses gives an *Error for requests that are not passed on.
func refuses(req *http.Request) *Error {
	switch {
	case req.Method == http.MethodConnect:
		return refused(&RefusalError{
			Status: http.StatusNotImplemented, Reason: "CONNECT is not passed on",
			hint: "the front is no proxy for other hosts; WebSockets need HTTP/1.1 here",
		})
	case req.ProtoMajor >= 2 && isGRPC(req.Header.Get("Content-Type")):
		return refused(&RefusalError{
			Status: http.StatusHTTPVersionNotSupported, GRPC: true, Reason: "gRPC needs HTTP/2 all the way, and the app is reached by HTTP/1.1",
			hint: "use the hosting model InProcess, in which the app itself accepts the connections, or gRPC-Web",
		})
	case !isToken(req.Method):
		return refused(&RefusalError{Status: http.StatusBadRequest, Reason: "the method is none"})
	case req.ProtoMajor >= 2 && !isLength(req.Header["Content-Length"]): // net/http's HTTP/2 takes the first, or 0 (RFC 9113, 8.1.1)
		return refused(&RefusalError{Status: http.StatusBadRequest, Reason: "the Content-Length is none"})
	}
	return nil
}

// isLength reports whether there is at most one number.
func isLength(values []string) bool {
	if len(values) == 0 {
		return true
	}
	return len(values) == 1 && values[0] != "" && strings.Trim(values[0], "0123456789") == ""
}

func refused(e *RefusalError) *Error { return &Error{Client: true, Err: e} }

// isGRPC knows application/grpc with or without a codec; application/grpc-web goes over HTTP/1.1.
func isGRPC(contentType string) bool {
	const name = "application/grpc"
	if len(contentType) < len(name) || !equalFold(contentType[:len(name)], name) {
		return false
	}
	rest := contentType[len(name):]
	return rest == "" || rest[0] == '+' || rest[0] == ';' || rest[0] == ' '
}

// isIdempotent follows RFC 9110, 9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return errors.Is(err, os.ErrDeadlineExceeded) || ok && n.Timeout()
}
