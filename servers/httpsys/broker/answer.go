//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// serverHeader is the Server field of what the broker answers itself, so that one can tell that no app has seen the request.
const serverHeader = "gorun-httpsys"

// answer is what a client is told that no app serves. It is about the first head of its connection, which ends with it, as it
// does with HTTP.sys (reference: servers.md, 4.2).
type answer struct {
	status int
	title  string // "" is the status's text
	text   string // one sentence; "" is no body
	ready  []byte // the whole answer, where somebody else has written it
}

// The answers of HTTP.sys, in our own words.
var (
	noPath = answer{status: http.StatusNotFound, text: "No program has registered for this path."}
	noHost = answer{status: http.StatusBadRequest, title: "Bad Request - Invalid Hostname",
		text: "No program has registered for this host name."}
	badPath   = answer{status: http.StatusBadRequest, title: "Bad Request - Invalid URL", text: "There is an escaped control character in the path."}
	noRoom    = answer{status: http.StatusServiceUnavailable, text: "The program's request queue is full."}
	noWorker  = answer{status: http.StatusServiceUnavailable, text: "The program has ended."}
	noPatient = answer{status: http.StatusServiceUnavailable, text: "The program has not taken the request in time."}
)

// with gives the answer as a queue wants its clients to be told: false means that the connection is reset.
func (a answer) with(v wire.Verbosity) (answer, bool) {
	switch v {
	case wire.Full:
		return a, true
	case wire.Limited:
		a.text = ""
		return a, true
	}
	return a, false
}

// refused is what somebody else answers to a bad head.
func refused(r *serve.Refusal) answer {
	return answer{status: r.Status(), ready: r.Answer(serverHeader)}
}

// bytes gives the whole response. A response to HEAD has no body.
func (a answer) bytes(isHead bool) []byte {
	if a.ready != nil {
		return a.ready
	}
	body := a.page()
	kind := ""
	if body != "" {
		kind = "Content-Type: text/html; charset=utf-8\r\n"
	}
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: %s\r\nDate: %s\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n",
		a.status, http.StatusText(a.status), serverHeader, time.Now().UTC().Format(http.TimeFormat), kind, len(body))
	if isHead {
		return []byte(head)
	}
	return []byte(head + body)
}

func (a answer) page() string {
	if a.text == "" {
		return ""
	}
	title := a.title
	if title == "" {
		title = http.StatusText(a.status)
	}
	return fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%s</title></head>\n<body><h2>%s</h2><hr><p>HTTP Error %d. %s</p></body></html>\n",
		title, title, a.status, a.text)
}

// helloRefused is what is answered to a client that does not begin as TLS does.
func helloRefused(err error) answer {
	if e, ok := errors.AsType[*helloError](err); ok {
		return answer{status: http.StatusBadRequest, ready: e.record()}
	}
	return answer{status: http.StatusBadRequest}
}
