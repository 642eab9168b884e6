//go:build linux || darwin

package httpsys_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestRowsDelegate has the cases of DelegateTests (reference: servers.md, 4.5).
func TestRowsDelegate(t *testing.T) {
	rows{
		"H4.3-delegation, H4.5-DelegateRequestTest":        delegateRequest,
		"H4.5-DelegateAfterWriteToResponseBodyShouldThrow": delegateAfterWrite,
		"H4.5-DelegateAfterRequestBodyReadShouldThrow":     delegateAfterRead,
		"H4.5-DuplicateDelegationRuleTest":                 twoPrefixes,
		"H4.5-DelegationFeaturesAreNull":                   delegateWithoutHTTPSys,
	}.run(t)
}

// delegator is a Server whose handler is h; requests can be delegated to the queue of another one, which is "receiver".
func delegator(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	receiver := serve(t, "", &httpsys.Server{
		Options: httpsys.Options{RequestQueueName: "receiver", UrlPrefixes: []string{"http://127.0.0.1:0/a", "http://127.0.0.1:0/b"}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "Hello from delegatee: %s %s %s", r.Method, r.RequestURI, body)
		}),
	})
	return dial(t, serve(t, receiver.folder, &httpsys.Server{Handler: h}).at())
}

func rule(prefix string) httpsys.DelegationRule {
	return httpsys.DelegationRule{QueueName: "receiver", UrlPrefix: prefix}
}

// delegateRequest: with its body, and the client's connection goes on.
func delegateRequest(t *testing.T) {
	c := delegator(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/own" {
			return
		}
		if err := httpsys.Delegate(w, r, rule("")); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		wantAnswer(t, "a request", c.exchange(post("/x?y", "body")), 200, "Hello from delegatee: POST /x?y body")
		wantAnswer(t, "its own", c.exchange(get("localhost", "/own")), 200, "")
	}
}

func delegateAfterWrite(t *testing.T) {
	c := delegator(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		if _, ok := errors.AsType[*httpsys.DelegationError](httpsys.Delegate(w, r, rule(""))); !ok {
			t.Error("it is delegated")
		}
	})
	wantAnswer(t, "a request", c.exchange(get("localhost", "/")), 200, "begun")
}

// delegateAfterRead: the handler can still answer.
func delegateAfterRead(t *testing.T) {
	c := delegator(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if _, ok := errors.AsType[*httpsys.DelegationError](httpsys.Delegate(w, r, rule(""))); !ok {
			t.Error("it is delegated")
		}
		io.WriteString(w, "own")
	})
	wantAnswer(t, "a request", c.exchange(post("/", "Sample request body")), 200, "own")
}

// twoPrefixes: a queue with two prefixes is reached by a rule for either.
func twoPrefixes(t *testing.T) {
	c := delegator(t, func(w http.ResponseWriter, r *http.Request) {
		if err := httpsys.Delegate(w, r, rule("http://127.0.0.1"+r.URL.Path)); err != nil {
			t.Error(err)
		}
	})
	for _, path := range []string{"/a", "/b"} {
		wantAnswer(t, path, c.exchange(get("localhost", path)), 200, "Hello from delegatee: GET "+path+" ")
	}
}

func delegateWithoutHTTPSys(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*httpsys.DelegationError](httpsys.Delegate(nil, r, rule(""))); !ok || e.Queue != "receiver" {
		t.Errorf("got %v", e)
	}
}
