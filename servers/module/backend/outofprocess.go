package backend

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// OutOfProcessOptions are what the front tells its app about itself (reference: servers.md, 1.3).
type OutOfProcessOptions struct {
	Path      string // the app's virtual path, such as /sub; "" is /
	Directory string // the app's folder, for ASPNETCORE_IIS_PHYSICAL_PATH

	// Windows, Basic and Anonymous are the authentication schemes that are enabled.
	Windows, Basic, Anonymous bool

	WebSockets bool     // the front passes them on
	HTTPSPorts []uint16 // of the front; the app is told of one if it is the only one

	// HostingStartup says that ASPNETCORE_HOSTINGSTARTUPASSEMBLIES of the environment was configured for this app, and so
	// is final. Otherwise it is inherited, and the module's assembly is added to it.
	HostingStartup bool
}

// OutOfProcess is the Hosting of reference 1.3 to 1.5: the process listens on a private port of 127.0.0.1 and gets a token
// that only the front knows. Addr, Token, Pairs and Hears may be called from any goroutine once Prepare was.
//
// A goroutine listens to what the process tells through NOTIFY_SOCKET, from Ready to Close or the next attempt.
type OutOfProcess struct {
	OutOfProcessOptions
	draw func() uint16 // a port; tests have their own

	address   atomic.Pointer[address]
	fixedPort bool // the environment's
	pairs     atomic.Bool
	hears     atomic.Bool
	leaving   chan struct{} // of the last attempt
	notices   *notices      // nil where the system has none
}

// address is where one attempt is reached.
type address struct {
	addr  netip.AddrPort
	token string
}

// NewOutOfProcess makes the Hosting of one process.
func NewOutOfProcess(o OutOfProcessOptions) *OutOfProcess {
	if o.Path = strings.TrimRight(o.Path, "/"); o.Path == "" {
		o.Path = "/"
	}
	return &OutOfProcess{OutOfProcessOptions: o, draw: randomPort}
}

// Addr is 127.0.0.1 with the port of the last attempt; it is zero before the first.
func (h *OutOfProcess) Addr() netip.AddrPort {
	if a := h.address.Load(); a != nil {
		return a.addr
	}
	return netip.AddrPort{}
}

// Token is what each request to the process carries in MS-ASPNETCORE-TOKEN; "" before the first attempt.
func (h *OutOfProcess) Token() string {
	if a := h.address.Load(); a != nil {
		return a.token
	}
	return ""
}

// Pairs reports whether the app has said that it refuses requests without the token. It may say so a little after it is
// ready. An ASP.NET Core app does refuse them, and says nothing.
func (h *OutOfProcess) Pairs() bool { return h.pairs.Load() }

// Hears reports whether the process could say so: this system has a NOTIFY_SOCKET.
func (h *OutOfProcess) Hears() bool { return h.hears.Load() }

// Alone reports whether the environment has fixed the port, so that no two processes can have it.
func (h *OutOfProcess) Alone() bool { return h.fixedPort }

// Leaving is closed when the process has told that it begins to stop (STOPPING=1).
func (h *OutOfProcess) Leaving() <-chan struct{} { return h.leaving }

// Prepare chooses a port and a token, and puts them and the rest of reference 1.3 into the environment; %PORT% and
// %ASPNETCORE_PORT% in arguments become the port. Errors are a
// *PortVariableError, which is critical, and a *NoPortError.
func (h *OutOfProcess) Prepare(spec *process.Spec) error {
	env := environment(slices.Clone(spec.Env))
	port, err := h.port(env)
	if err != nil {
		return err
	}
	token := env.get(pairing.TokenVariable)
	if token == "" {
		token = newToken()
	}
	h.address.Store(&address{netip.AddrPortFrom(loopback, port), token})
	h.pairs.Store(false)
	h.tell(&env)
	h.listen(&env)
	spec.Env, spec.Args = env, withPort(spec.Args, port)
	return nil
}

// withPort replaces %PORT% and %ASPNETCORE_PORT%, which nobody knows before: a program that takes its port as an argument is told
// so.
func withPort(args []string, port uint16) []string {
	number := strconv.Itoa(int(port))
	names := strings.NewReplacer("%PORT%", number, "%"+pairing.PortVariable+"%", number)
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = names.Replace(arg)
	}
	return out
}

// tell puts what reference 1.3 lists into the environment.
func (h *OutOfProcess) tell(env *environment) {
	port := strconv.Itoa(int(h.Addr().Port()))
	env.set(pairing.PortVariable, port)
	env.set(pairing.TokenVariable, h.Token())
	h.tellOfFront(env)
	if ports := slices.Compact(slices.Sorted(slices.Values(h.HTTPSPorts))); len(ports) == 1 && !env.has(httpsPortVariable) {
		env.set(httpsPortVariable, strconv.Itoa(int(ports[0])))
	}
	if !h.HostingStartup || !env.has(hostingStartupVariable) {
		env.set(hostingStartupVariable, strings.TrimPrefix(env.get(hostingStartupVariable)+";"+integration, ";"))
	}
	env.set("PORT", port)
}

// InProcess gives env with what an app is told that accepts the front's connections itself: nothing of a port, a token or hosting
// startup (reference: servers.md, 2.1).
func (o OutOfProcessOptions) InProcess(env []string) []string {
	told := environment(slices.Clone(env))
	o.tellOfFront(&told)
	return told
}

// tellOfFront is what the app is told in either hosting model.
func (o OutOfProcessOptions) tellOfFront(env *environment) {
	env.set(pairing.PathVariable, o.Path)
	env.set("ASPNETCORE_IIS_HTTPAUTH", o.authentication())
	// The reference gives the id of the application in IIS out-of-process, and the folder only in-process (Q8). There is no
	// such id without IIS, and the folder is what the name promises.
	env.set("ASPNETCORE_IIS_PHYSICAL_PATH", o.Directory)
	env.set(pairing.WebSocketsVariable, strconv.FormatBool(o.WebSockets))
}

const (
	httpsPortVariable      = "ASPNETCORE_ANCM_HTTPS_PORT"
	hostingStartupVariable = "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES"
	integration            = "Microsoft.AspNetCore.Server.IISIntegration"
)

// authentication lists the schemes as ASPNETCORE_IIS_HTTPAUTH has them.
func (o OutOfProcessOptions) authentication() string {
	var list string
	for _, scheme := range []struct {
		on   bool
		name string
	}{{o.Windows, "windows;"}, {o.Basic, "basic;"}, {o.Anonymous, "anonymous;"}} {
		if scheme.on {
			list += scheme.name
		}
	}
	if list == "" {
		return "none"
	}
	return list
}

// Close ends what listens to the process.
func (h *OutOfProcess) Close() error {
	h.notices.close()
	h.notices = nil
	return nil
}

// listen opens the socket for what the process tells, where the system has one.
func (h *OutOfProcess) listen(env *environment) {
	h.notices.close()
	h.notices, h.leaving = nil, make(chan struct{})
	env.unset(notifyVariable) // gorun's own, which somebody else listens on
	if s, err := ListenNotify(); err == nil {
		h.notices = &notices{socket: s}
		h.hears.Store(true)
		env.set(notifyVariable, s.Name())
	}
}

// hear hears what the process tells.
func (h *OutOfProcess) hear(n Notice) {
	if n.Has("READY=1") && n.Has(paired) {
		h.pairs.Store(true)
	}
	if n.Has("STOPPING=1") && !isClosed(h.leaving) {
		close(h.leaving)
	}
}

// newToken is a random UUID (RFC 9562, version 4), as the reference has it.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
