package httpsys

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gorun-dev/gorun/servers/feature"
)

// DelegationRule says where a request is handed on to (DelegationRule; reference: servers.md, 4.3).
type DelegationRule struct {
	QueueName string // of a queue that another process serves
	UrlPrefix string // of the request; for a reader's eyes, "" is none. On Windows the queue must have it
}

// DelegationError says why a request was not handed on. The handler may answer it.
type DelegationError struct {
	Queue  string
	Reason string
	Err    error // what lies below; nil: nothing does
}

func (e *DelegationError) Error() string {
	text := fmt.Sprintf("the request cannot be delegated to the queue %q: %s", e.Queue, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives Err.
func (e *DelegationError) Unwrap() error { return e.Err }

// delegator is the server of a request.
type delegator interface {
	delegate(w http.ResponseWriter, r *http.Request, rule DelegationRule) error
}

// delegatorKey is where the context of a request has it.
type delegatorKey struct{}

// Delegate has another queue answer a request that was served by a Server. It returns when the answer is over. w and r are
// those that the handler was given, or wrap them; nothing may have been read of the body, nothing written, and the handler
// does neither afterwards. As long as nothing was answered it returns a *DelegationError; a failure after that aborts the
// client's connection by a panic with http.ErrAbortHandler.
//
// Elsewhere than on Windows the request is relayed: it goes through this process as long as it lasts.
func Delegate(w http.ResponseWriter, r *http.Request, rule DelegationRule) error {
	d, ok := r.Context().Value(delegatorKey{}).(delegator)
	switch {
	case rule.QueueName == "":
		return &DelegationError{rule.QueueName, "the rule names none", nil}
	case !ok:
		return &DelegationError{rule.QueueName, "it is not served by HTTP.sys", nil}
	case hasBegun(r):
		return &DelegationError{rule.QueueName, "its body is being read", nil}
	case hasStarted(w):
		return &DelegationError{rule.QueueName, "the response has begun", nil}
	}
	return d.delegate(w, r, rule)
}

// hasBegun reports whether somebody has read of the body: its limit cannot be set any more.
func hasBegun(r *http.Request) bool {
	body, ok := feature.Get[feature.Body](r.Context())
	return ok && errors.Is(body.SetMaxSize(body.MaxSize()), feature.ErrBodyStarted)
}

// hasStarted asks the server's own ResponseWriter, also where it is wrapped as http.ResponseController wants it to be.
func hasStarted(w http.ResponseWriter) bool {
	for {
		if s, ok := w.(interface{ HasStarted() bool }); ok {
			return s.HasStarted()
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = wrapper.Unwrap()
	}
}
