//go:build unix

package module

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/servertest"
)

// insider is an app whose handler is a closure of a test, so that it runs in the test's process, behind a front that starts,
// watches and stops a real program: the placeholder, which has the app's listening sockets too. What the front tells the
// program is told to the app: environment, sockets, SIGTERM. What the app tells (sd_notify) the program tells the front. Each of
// the two ends with the other.
//
// Its goroutines: app, listen and obey. All have ended when the placeholder has, and done got a value.
type insider struct {
	config  servertest.Config
	hosting Hosting
	urls    []string // the front's
	env     []string
	sockets []net.Listener
	notify  *backend.NotifySocket // what the app tells
	tells   *os.File              // and what the placeholder is to pass on; closed: it is to end
	asked   *os.File              // a byte comes for SIGTERM, and the end with the placeholder's
	done    chan error            // gets what became of the app
	pid     int                   // the placeholder's
	ready   chan struct{}         // closed when the front knows that the placeholder is ready, or has ended

	once   sync.Once // closes ready
	mu     sync.Mutex
	conns  []net.Conn // cut when the placeholder is killed, as the system does with a process's
	ended  bool       // by itself: connections that a handler has hijacked may go on
	killed error
}

// run is backend.Options.Start: it begins the app and its placeholder.
func (a *insider) run(spec process.Spec) (*process.Tree, error) {
	tree, err := a.prepare(&spec)
	if err != nil || a.sockets == nil {
		return tree, err
	}
	ctx, stop := context.WithCancel(a.config.Context)
	var both sync.WaitGroup
	both.Go(a.listen)
	both.Go(func() { a.obey(stop) })
	go func() {
		err := a.app().Run(ctx)
		a.end()
		both.Wait()
		stop()
		a.done <- errors.Join(err, a.killed)
	}()
	return tree, nil
}

// prepare opens what the two have in common, and starts the placeholder.
func (a *insider) prepare(spec *process.Spec) (*process.Tree, error) {
	if a.hosting == OutOfProcess {
		file, err := listenAt(variable(spec.Env, "ASPNETCORE_PORT"))
		if err != nil { // another case has the port by now: the program fails to start, and is started with another
			close(a.ready)
			a.done <- nil
			return process.Start(*spec)
		}
		defer file.Close()
		spec.ExtraFiles = []*os.File{file}
	}
	sockets := spec.ExtraFiles
	stdin, tells, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	asked, asks, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer asks.Close()
	if a.notify, err = backend.ListenNotify(); err != nil {
		return nil, err
	}
	a.tells, a.asked = tells, asked
	a.env = append(slices.Clone(spec.Env), "NOTIFY_SOCKET="+a.notify.Name()) // the last counts
	spec.Stdin, spec.ExtraFiles = stdin, append(slices.Clip(sockets), asks)
	spec.Args = []string{strconv.Itoa(2 + len(spec.ExtraFiles))}
	tree, err := process.Start(*spec)
	if err != nil {
		return nil, err
	}
	a.pid = tree.PID()
	asks.Close()
	_, _ = asked.Read(make([]byte, 1))  // it is there, and hears signals, before the app can have a request
	a.sockets, err = listeners(sockets) // after the start, which has them block
	return tree, err
}

// listenAt opens the socket of an app out-of-process.
func listenAt(port string) (*os.File, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

// listeners are the sockets as servers.Run inherits them.
func listeners(files []*os.File) (list []net.Listener, err error) {
	for _, file := range files {
		l, err := net.FileListener(file)
		if err != nil {
			return nil, err
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		list = append(list, l)
	}
	return list, nil
}

func variable(env []string, name string) (value string) {
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// listen passes on what the app tells, and ends the placeholder behind the app.
func (a *insider) listen() {
	defer a.tells.Close()
	for {
		notice, err := a.notify.Next()
		if err != nil {
			return
		}
		_, _ = a.tells.WriteString(strings.Join(notice.Lines, "\n") + "\x00")
	}
}

// obey stops the app as its program is stopped: by SIGTERM, or by its end.
func (a *insider) obey(stop func()) {
	defer a.asked.Close()
	for {
		n, _ := a.asked.Read(make([]byte, 1))
		stop()
		if n == 0 {
			a.cut()
			return
		}
	}
}

// end has the placeholder end behind the app.
func (a *insider) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	_ = a.notify.Close()
}

// cut is what the end of a process does to its connections.
func (a *insider) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	a.killed = errors.New("its process was killed")
	for _, c := range a.conns {
		c.Close()
	}
}

func (a *insider) note(c net.Conn) (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns = append(a.conns, c)
	return c, nil
}

// app is the app as a program would have it, but for its sockets, which are not this process's alone.
func (a *insider) app() *servers.App {
	c := a.config
	options := []servers.Option{
		servers.WithEnvironment(a.env), servers.WithServerHeader(c.ServerHeader), servers.WithShutdownTimeout(c.ShutdownTimeout),
		servers.WithLogger(c.Log), servers.WithSignals(), servers.WithOutput(nil), servers.WithConnectionMiddleware(a.note),
	}
	on := servers.ServerFunc(func(ctx context.Context, site *servers.Site) error {
		return servers.Kestrel().Serve(ctx, site.WithListeners(a.sockets))
	})
	if a.hosting == OutOfProcess {
		return servers.New(c.Handler, append(options, servers.WithServer("insider", on))...)
	}
	// In-process the app itself has clients: it has limits and TLS. That its sockets were handed over, servers.New does not see.
	options = append(options, servers.WithServer("module", on), servers.WithLimits(c.Limits), servers.WithTLSConfig(c.TLS))
	for _, url := range a.urls {
		options = append(options, servers.WithEndpoint(url, servers.Endpoint{Protocols: c.Protocols}))
	}
	return servers.New(c.Handler, options...)
}

// insiders are the apps of one front.
type insiders struct {
	first chan struct{} // closed when one is ready
	once  sync.Once     // closes it
	mu    sync.Mutex
	all   []*insider
}

func (l *insiders) add(a *insider) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, a)
}

// start is backend.Options.Start.
func (l *insiders) start(c servertest.Config, hosting Hosting, urls []string, spec process.Spec) (*process.Tree, error) {
	a := &insider{config: c, hosting: hosting, urls: urls, done: make(chan error, 1), ready: make(chan struct{})}
	tree, err := a.run(spec)
	if err == nil {
		l.add(a)
	}
	return tree, err
}

func (l *insiders) list() []*insider {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// hear hears what the front tells.
func (l *insiders) hear(e event.Event) {
	if e.Kind != event.ProcessReady && e.Kind != event.ProcessExited {
		return
	}
	if e.Kind == event.ProcessReady {
		l.once.Do(func() { close(l.first) })
	}
	for _, a := range l.list() {
		if a.pid == e.PID {
			a.once.Do(func() { close(a.ready) })
		}
	}
}

// settle waits until the front knows of what has been started. An app that has answered already, and is not known to be ready,
// has half a second to stop.
func (l *insiders) settle() {
	for _, a := range l.list() {
		<-a.ready
	}
}

// wait gives what became of them. It is called when the front has ended.
func (l *insiders) wait() error {
	var errs []error
	for _, a := range l.list() {
		errs = append(errs, <-a.done)
	}
	return errors.Join(errs...)
}
