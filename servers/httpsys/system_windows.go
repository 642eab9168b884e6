//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// system is what this process has of the HTTP Server API: a session, URL groups in it, and the queue that their requests go
// to. It is used by one goroutine; the queue's completions by many.
type system struct {
	*completions
	session uint64
	groups  []uint64 // one; several where a group has room for one URL
	urls    []registered
	mark    uint64 // tells our URLs' contexts from those of other processes at the same queue
	created bool   // the queue is new, and its settings are ours
	options Options
	log     *slog.Logger

	mu        sync.Mutex
	delegates map[string]windows.Handle // queues that requests were delegated to, by name
}

// placeMask is where a URL's context has its place in system.urls; the rest is system.mark.
const placeMask = 1<<16 - 1

// registered is a URL that is ours.
type registered struct {
	prefix urlprefix.Prefix
	group  uint64
}

// openSystem makes the queue, with the settings of o. Errors are *QueueError and *SystemError.
func openSystem(o Options, log *slog.Logger) (*system, error) {
	if err := httpapi.Initialize(httpapi.Version, httpapi.InitializeServer, 0); err != nil {
		return nil, &SystemError{Call: "HttpInitialize", Err: err}
	}
	y := &system{options: o, log: log, mark: rand.Uint64() &^ placeMask}
	if err := y.open(); err != nil {
		y.close()
		return nil, err
	}
	return y, nil
}

func (y *system) open() error {
	if err := httpapi.CreateServerSession(httpapi.Version, &y.session, 0); err != nil {
		return &SystemError{Call: "HttpCreateServerSession", Err: err}
	}
	queue, created, err := openQueue(y.options.RequestQueueName, y.options.RequestQueueMode)
	if err != nil {
		return err
	}
	y.created = created
	if y.completions, err = newCompletions(queue); err != nil {
		httpapi.CloseRequestQueue(queue)
		return &SystemError{Call: "CreateIoCompletionPort", Err: err}
	}
	if !created {
		y.log.Info("attached to a request queue that was there: its own limit and verbosity stay", slog.String("queue", y.options.RequestQueueName))
		return nil
	}
	return y.setQueue()
}

// openQueue makes or opens a queue. created is false for one that was there.
func openQueue(name string, mode Mode) (queue windows.Handle, created bool, err error) {
	text, err := utf16OrNil(name)
	if err != nil {
		return 0, false, &QueueError{Name: name, Mode: mode, Err: err}
	}
	if mode != Attach {
		err = httpapi.CreateRequestQueue(httpapi.Version, text, nil, 0, &queue)
		if err == nil {
			return queue, true, nil
		}
	}
	if mode == Attach || mode == CreateOrAttach && errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		err = httpapi.CreateRequestQueue(httpapi.Version, text, nil, httpapi.QueueOpenExisting, &queue)
	}
	if err != nil {
		return 0, false, &QueueError{Name: name, Mode: mode, Err: err}
	}
	return queue, false, nil
}

func utf16OrNil(s string) (*uint16, error) {
	if s == "" {
		return nil, nil
	}
	return windows.UTF16PtrFromString(s)
}

// group gives a URL group that has room, bound to the queue.
func (y *system) group() (uint64, error) {
	if len(y.groups) > 0 && !(httpapi.Lacks("SeveralURLsInAGroup") && len(y.urls) >= len(y.groups)) {
		return y.groups[len(y.groups)-1], nil
	}
	var id uint64
	if err := httpapi.CreateURLGroup(y.session, &id, 0); err != nil {
		return 0, &SystemError{Call: "HttpCreateUrlGroup", Err: err}
	}
	y.groups = append(y.groups, id)
	binding := httpapi.Binding{Flags: httpapi.Present, Queue: uintptr(y.queue)}
	if err := httpapi.SetURLGroupProperty(id, httpapi.BindingProperty, unsafe.Pointer(&binding), uint32(unsafe.Sizeof(binding))); err != nil {
		return 0, &SystemError{Call: "HttpSetUrlGroupProperty", Err: err}
	}
	return id, y.setGroup(id)
}

// register registers all of list, and puts the ports that were found for port 0 into it; or none. The error joins a
// *RegistrationError for each that could not be.
func (y *system) register(list []registration) error {
	var errs []error
	for i := range list {
		if err := y.registerOne(&list[i].prefix); err != nil {
			errs = append(errs, &RegistrationError{URL: list[i].URL, Source: list[i].Source, Err: err})
		}
	}
	if len(errs) > 0 {
		y.unregister()
	}
	return errors.Join(errs...)
}

func (y *system) registerOne(p *urlprefix.Prefix) error {
	group, err := y.group()
	if err != nil {
		return err
	}
	if p.Port == 0 {
		*p, err = y.registerAnywhere(*p, group)
		return err
	}
	return y.add(*p, group)
}

// Ports that HTTP.sys servers choose from for port 0 (reference: servers.md, 4.2).
const (
	firstDynamicPort = 5000
	lastDynamicPort  = 48000
	dynamicTries     = 100
)

func (y *system) registerAnywhere(p urlprefix.Prefix, group uint64) (urlprefix.Prefix, error) {
	var err error
	for range dynamicTries {
		p.Port = uint16(firstDynamicPort + rand.IntN(lastDynamicPort-firstDynamicPort+1))
		if err = y.add(p, group); err == nil || !isTaken(err) {
			return p, err
		}
	}
	return p, err
}

// isTaken reports whether another port may do.
func isTaken(err error) bool {
	return errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

func (y *system) add(p urlprefix.Prefix, group uint64) error {
	url, err := windows.UTF16PtrFromString(p.String())
	if err == nil {
		err = httpapi.AddURLToURLGroup(group, url, y.mark|uint64(len(y.urls)), 0)
	}
	if err != nil {
		return &PrefixError{Prefix: p.String(), Port: p.Port, User: userName(), Err: err}
	}
	y.urls = append(y.urls, registered{p, group})
	return nil
}

// unregister removes the prefixes: new requests for them are answered by the system, with 404 or by whoever else has one that
// matches. Those in the queue stay there.
func (y *system) unregister() {
	for _, u := range y.urls {
		url, err := windows.UTF16PtrFromString(u.prefix.String())
		if err == nil {
			err = httpapi.RemoveURLFromURLGroup(u.group, url, 0)
		}
		if err != nil {
			y.log.Warn("a URL prefix cannot be removed", slog.String("prefix", u.prefix.String()), slog.Any("error", err))
		}
	}
	y.urls = nil
}

// close gives all back, in the reverse order. Clients whose requests wait in the queue get 503, unless another process is
// attached to it.
func (y *system) close() {
	for _, group := range y.groups {
		httpapi.CloseURLGroup(group)
	}
	for _, queue := range y.delegates {
		httpapi.CloseRequestQueue(queue)
	}
	if y.completions != nil {
		y.completions.close()
		httpapi.CloseRequestQueue(y.queue)
	}
	if y.session != 0 {
		httpapi.CloseServerSession(y.session)
	}
	httpapi.Terminate(httpapi.InitializeServer, 0)
}
