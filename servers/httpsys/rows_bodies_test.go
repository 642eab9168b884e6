//go:build linux || darwin

package httpsys_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestRowsRequestBodyLimit has the cases of RequestBodyLimitTests (reference: servers.md, 4.5). What .NET calls asynchronous is
// read on another goroutine. Unlike HTTP.sys, and like Kestrel, the framing of a chunked body counts (limits.Limits), which each
// limit here allows for.
func TestRowsRequestBodyLimit(t *testing.T) {
	all := rows{
		"H4.5-Chunked_ReadSyncPartialBodyUnderLimit":  partialBody(here),
		"H4.5-Chunked_ReadAsyncPartialBodyUnderLimit": partialBody(elsewhere),
		"H4.5-AdjustLimitPerRequest_ContentLength":    adjusted(withLength),
		"H4.5-AdjustLimitPerRequest_Chunked":          adjusted(chunked),
	}
	all["H4.5-ContentLengthEqualsLimit_ReadSync"] = bodyAtLimit(withLength, here)
	all["H4.5-ContentLengthEqualsLimit_ReadAsync"] = bodyAtLimit(withLength, elsewhere)
	all["H4.5-ChunkedEqualsLimit_ReadSync"] = bodyAtLimit(chunked, here)
	all["H4.5-ChunkedEqualsLimit_ReadAsync"] = bodyAtLimit(chunked, elsewhere)
	all["H4.5-ContentLengthExceedsLimit_ReadSync"] = bodyOverLimit(withLength, here)
	all["H4.5-ContentLengthExceedsLimit_ReadAsync"] = bodyOverLimit(withLength, elsewhere)
	all["H4.5-ChunkedExceedsLimit_ReadSync"] = bodyOverLimit(chunked, here)
	all["H4.5-ChunkedExceedsLimit_ReadAsync"] = bodyOverLimit(chunked, elsewhere)
	all.run(t)
}

// reader reads a body once.
type reader func(body io.Reader) (string, error)

// here reads as handlers do.
func here(body io.Reader) (string, error) {
	data, err := io.ReadAll(body)
	return string(data), err
}

// elsewhere has another goroutine read.
func elsewhere(body io.Reader) (text string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		text, err = here(body)
	}()
	<-done
	return text, err
}

// way is a way to send a body.
type way struct {
	send    func(body string) string
	framing int64 // how much of what is sent counts beside the body
}

var (
	withLength = way{func(body string) string { return post("/", body) }, 0}
	chunked    = way{func(body string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}, int64(len("b\r\n" + "\r\n" + "0\r\n\r\n"))}
)

// limited is a Server with a limit, and a client of it.
func limited(t *testing.T, size int64, h http.HandlerFunc) *client {
	t.Helper()
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{MaxRequestBodySize: size}, Handler: h})
	return dial(t, s.at())
}

// bodyAtLimit: it is let in, and until it is read the limit could be changed.
func bodyAtLimit(by way, read reader) func(*testing.T) {
	return func(t *testing.T) {
		size := 11 + by.framing
		c := limited(t, size, func(w http.ResponseWriter, r *http.Request) {
			limit, ok := feature.Get[feature.Body](r.Context())
			if !ok || limit.MaxSize() != size || limit.SetMaxSize(size) != nil {
				t.Errorf("got %v", limit)
			}
			text, err := read(r.Body)
			fmt.Fprint(w, text, err)
		})
		wantAnswer(t, "a body", c.exchange(by.send("Hello World")), 200, "Hello World<nil>")
	}
}

// bodyOverLimit: each read says so, and the client gets 413 where the handler does not answer.
func bodyOverLimit(by way, read reader) func(*testing.T) {
	return func(t *testing.T) {
		errs := make(chan error, 2)
		h := func(w http.ResponseWriter, r *http.Request) {
			for range cap(errs) {
				_, err := read(r.Body)
				errs <- err
			}
		}
		got := limited(t, 10+by.framing, h).exchange(by.send("Hello World"))
		wantAnswer(t, "a body", got, http.StatusRequestEntityTooLarge, "")
		for range cap(errs) {
			if e, ok := errors.AsType[*http.MaxBytesError](<-errs); !ok || e.Limit != 10+by.framing {
				t.Errorf("a read: got %v", e)
			}
		}
	}
}

// partialBody: what comes up to the limit is read, and what comes later is refused.
func partialBody(read reader) func(*testing.T) {
	return func(t *testing.T) {
		readTen := make(chan struct{})
		c := limited(t, int64(len("a\r\n0123456789")), func(w http.ResponseWriter, r *http.Request) {
			text, err := read(io.LimitReader(r.Body, 10))
			if text != "0123456789" || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
			close(readTen)
			if _, err := read(r.Body); err == nil {
				t.Error("more is read")
			}
		})
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n")
		wait(t, "the first read", readTen)
		wantAnswer(t, "a body", c.exchange("a\r\n0123456789\r\n0\r\n\r\n "), http.StatusRequestEntityTooLarge, "")
	}
}

// adjusted: a handler lets in more than the server does, until it has begun to read.
func adjusted(by way) func(*testing.T) {
	return func(t *testing.T) {
		size := 12 + by.framing
		c := limited(t, size-1, func(w http.ResponseWriter, r *http.Request) {
			limit, ok := feature.Get[feature.Body](r.Context())
			if !ok || limit.MaxSize() != size-1 || limit.SetMaxSize(size) != nil || limit.MaxSize() != size {
				t.Errorf("got %v", limit)
			}
			text, err := here(r.Body)
			fmt.Fprint(w, text, err, limit.SetMaxSize(size+1) == feature.ErrBodyStarted)
		})
		wantAnswer(t, "a body", c.exchange(by.send("Hello World!")), 200, "Hello World!<nil> true")
	}
}
