package host

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/module"
	"github.com/gorun-dev/gorun/servers/module/debuglog"
)

// runFront runs a plan in which the module stands in front of the program. It stays until it is asked to stop, whatever becomes
// of the program: that is the front's to tell, and to start anew.
func (h *host) runFront(ctx context.Context, record *record) (Result, error) {
	path, err := h.prepareFront(ctx)
	if err != nil {
		return Result{}, err
	}
	h.follow(record)
	log := debuglog.New(h.plan.Module.Root, h.Stderr)
	defer log.Close()
	now := &behind{host: h, plan: h.plan, built: path, log: log}
	now.setLog(now.outerLog()) // first, so that it says where the log goes on
	front := module.New(h.frontOptions(now))
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- front.Run(running) }()
	return h.stayInFront(ctx, &stopping{host: h, tree: &frontProcess{front, stop}, record: record}, front, ended)
}

// prepareFront looks at the ports and builds. What cannot be built, or listened on, is told before anybody connects.
func (h *host) prepareFront(ctx context.Context) (path string, err error) {
	if isTrue(lookup(h.GoEnv)(disableModule)) {
		return "", &DisabledError{}
	}
	if err := h.checkPorts(); err != nil {
		return "", err
	}
	if path, err = h.binary(ctx); err == nil {
		err = h.interrupted(ctx)
	}
	return path, err
}

// frontProcess is a front as something that can be stopped.
type frontProcess struct {
	front *module.Front
	stop  context.CancelFunc
}

// Signal asks the front to stop by each signal that ends a program. Others are nobody's: the program behind has its own group.
func (f *frontProcess) Signal(sig os.Signal) error {
	if asksToStop(sig) {
		f.stop()
	}
	return nil
}

// Kill ends the front and the program at once.
func (f *frontProcess) Kill() error {
	f.stop()
	f.front.Kill()
	return nil
}

// stayInFront waits for the end of the front.
func (h *host) stayInFront(ctx context.Context, stopping *stopping, front *module.Front, ended <-chan error) (Result, error) {
	started := time.Now()
	opening := make(chan struct{})
	go func() {
		defer close(opening)
		select {
		case <-front.Open():
			stopping.record.listening(front.URLs(), true)
			h.browseFront(front.URLs())
		case <-front.Ended():
		}
	}()
	err := h.await(ctx, stopping, ended)
	<-opening
	return Result{Duration: time.Since(started), Stopped: stopping.asked}, withoutAdvice(err)
}

// await hands on signals until the front has ended.
func (h *host) await(ctx context.Context, stopping *stopping, ended <-chan error) error {
	defer stopping.timer.stop()
	asked := ctx.Done()
	for {
		select {
		case sig := <-h.Signals:
			stopping.signal(sig)
		case <-asked:
			asked = nil
			stopping.cancelled()
		case <-stopping.timer.c:
			stopping.kill()
		case err := <-ended:
			return err
		}
	}
}

// withoutAdvice is an error of servers.Run without the hints in its text, which whoever shows it finds by themselves. One whose
// text has none stays as it is: what is in it says less.
func withoutAdvice(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.Contains(err.Error(), "\n  hint: ") {
		return inner
	}
	return err
}

// browseFront opens the browser, which has the program started.
func (h *host) browseFront(urls []string) {
	if !h.plan.Browser.Open.Value || h.OpenBrowser == nil {
		return
	}
	for _, url := range urls {
		if e, err := endpoint.Parse(url); err == nil && e.Unix == "" {
			h.browse(profiles.BrowserURL(h.plan.Browser.LaunchURL.Value, e))
			return
		}
	}
}

// follow keeps the record of the program that runs behind the front.
func (h *host) follow(record *record) {
	tell := h.Emit
	h.Emit = func(e event.Event) {
		switch e.Kind {
		case event.ProcessReady:
			record.program(e.PID)
		case event.ProcessExited:
			record.exited(e.PID)
		}
		if tell != nil {
			tell(e)
		}
	}
}

// frontOptions are the plan as the front takes it. now is the program behind it.
func (h *host) frontOptions(now *behind) module.Options {
	m := h.plan.Module
	o := module.Options{
		Name: h.name, Root: m.Root, Environ: certificateVariables(h.GoEnv), Notice: told{h.Stderr},
		Preload: m.Preload.Value, App: now.app(), Emit: h.Emit, Log: now.log.Logger(),
	}
	o.Limits.MaxRequestBodySize = m.MaxAllowedContentLength.Value
	protocols, _ := endpoint.ParseProtocols(m.Protocols.Value) // the plan has checked it; the zero value is the default
	for _, e := range h.plan.Endpoints {
		o.Endpoints = append(o.Endpoints, servers.Endpoint{Endpoint: e.Endpoint, Source: cmp.Or(e.Origin.Name, "default"),
			Protocols: spoken(e.Scheme, protocols), TLS: clientCertificates(e.Scheme, m.ClientCertificateMode.Value)})
	}
	if h.Replan != nil {
		o.Watch, o.Reload = m.Reads, now.reload
	}
	return o
}

// spoken are the protocols of one address: one setting says them for all, and HTTP/3 is never without TLS.
func spoken(scheme string, protocols endpoint.Protocols) endpoint.Protocols {
	if scheme != "https" {
		protocols &^= endpoint.HTTP3
	}
	return protocols
}

// clientCertificates is how clients of https are asked for a certificate, which one that the system trusts must have signed; nil
// when they are not.
func clientCertificates(scheme, mode string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case scheme != "https":
		return nil
	case mode == "AllowCertificate":
		config.ClientAuth = tls.VerifyClientCertIfGiven
	case mode == "RequireCertificate":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil
	}
	return config
}

// told has what the front's server tells on stderr told by gorun.
type told struct{ w io.Writer }

func (t told) Write(text []byte) (int, error) {
	if _, err := fmt.Fprintf(t.w, "gorun: %s", text); err != nil {
		return 0, err
	}
	return len(text), nil
}

// certificateVariables are those by which the certificate for https is found. Nothing else of gorun's own environment counts for
// the front.
func certificateVariables(environ []string) []string {
	names := []string{"GORUN_DATA", "LOCALAPPDATA", "XDG_DATA_HOME", "HOME", "CAROOT", "USER", "LOGNAME", "USERNAME"}
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !slices.Contains(names, name)
	})
}

// lookup gives the values of an environment.
func lookup(environ []string) func(string) string {
	return func(name string) string {
		value := ""
		for _, kv := range environ {
			if n, v, _ := strings.Cut(kv, "="); n == name {
				value = v // of equal names the last counts
			}
		}
		return value
	}
}
