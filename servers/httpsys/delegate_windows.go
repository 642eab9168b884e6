//go:build amd64 || arm64

package httpsys

import (
	"net/http"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// delegate hands a request over to another queue, whose process answers it. The system keeps the connection: it does not come
// through this process any more.
func (x *exchange) delegate(_ http.ResponseWriter, _ *http.Request, rule DelegationRule) error {
	if httpapi.Lacks("DelegateRequestEx") || !httpapi.IsFeatureSupported(httpapi.FeatureDelegateEx) {
		return &DelegationError{rule.QueueName, "this version of the system cannot delegate", nil}
	}
	w := &x.response
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent || w.status != 0 {
		return &DelegationError{rule.QueueName, "its response has begun", nil}
	}
	url := rule.UrlPrefix
	if url == "" {
		return &DelegationError{rule.QueueName, "the rule has no UrlPrefix", nil}
	}
	if err := x.host.delegateTo(x.id, rule.QueueName, url); err != nil {
		return &DelegationError{rule.QueueName, "the system refuses", err}
	}
	w.complete, w.err = true, errEnded
	return nil
}

func (h *host) delegateTo(id uint64, queue, prefix string) error {
	url, err := windows.UTF16FromString(prefix)
	if err != nil {
		return err
	}
	return h.now(func() error {
		to, err := h.delegateQueue(queue)
		if err != nil {
			return err
		}
		property := &httpapi.DelegateProperty{ID: httpapi.DelegateURL, Len: uint32(len(url)-1) * 2, Info: unsafe.Pointer(&url[0])}
		// No group of the other queue is named: then its process may have been started anew.
		return httpapi.DelegateRequestEx(h.queue, to, id, 0, 1, property)
	})
}

// delegateQueue gives a queue that our URLs may delegate to. It stays open until the server ends.
func (y *system) delegateQueue(name string) (windows.Handle, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if queue, ok := y.delegates[name]; ok {
		return queue, nil
	}
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	var queue windows.Handle
	if err := httpapi.CreateRequestQueue(httpapi.Version, text, nil, httpapi.QueueOpenExisting|httpapi.QueueDelegation, &queue); err != nil {
		return 0, &QueueError{Name: name, Mode: Attach, Err: err}
	}
	binding := httpapi.Binding{Flags: httpapi.Present, Queue: uintptr(queue)}
	for _, group := range y.groups {
		if err := httpapi.SetURLGroupProperty(group, httpapi.DelegationProperty, unsafe.Pointer(&binding), uint32(unsafe.Sizeof(binding))); err != nil {
			httpapi.CloseRequestQueue(queue)
			return 0, err
		}
	}
	if y.delegates == nil {
		y.delegates = map[string]windows.Handle{}
	}
	y.delegates[name] = queue
	return queue, nil
}
