// Package servers is what an app imports to be served: one call, the same under every server that gorun knows and
// without gorun.
//
//	func main() {
//		err := servers.Run(context.Background(), http.HandlerFunc(hello))
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// Run finds its addresses where an ASP.NET Core app finds them, listens, serves with package kestrel, which has Kestrel's
// limits and answers to bad input, and stops gracefully. It launches nothing: gorun starts the app and tells it by
// environment variables what to do. Everything that gorun says can be said without it, too: by options, by the environment
// and by a file. New is for those who need a handle, and WithServer for those who have a server of their own. Behind a front of
// the ASP.NET Core Module Run serves that front alone (out-of-process), or on the sockets that the front hands over
// (in-process). With GORUN_SERVER=httpsys it shares ports with other programs, by host and path (package httpsys).
//
// The package has no state. Run may be called several times at once, on different addresses.
package servers

import (
	"context"
	"net/http"
	"time"
)

// DefaultShutdownTimeout is how long Run lets requests finish, as ASP.NET Core does (reference: servers.md, 3.9).
const DefaultShutdownTimeout = 30 * time.Second

// Run serves h until ctx is cancelled or the process gets SIGINT or SIGTERM. A nil h is http.DefaultServeMux.
//
// GORUN_SERVER chooses the server: kestrel, httpsys, module, or one that WithServer has added. When it is not set and a front has started
// the app (ASPNETCORE_PORT, ASPNETCORE_APPL_PATH and ASPNETCORE_TOKEN), it is module; else the first that was added. Where
// NOTIFY_SOCKET is set, its owner is told when the app is ready and when it begins to stop (sd_notify(3)).
//
// Endpoints come from WithEndpoint and WithConfigFiles. Where there are none, addresses come from WithURLs, else
// ASPNETCORE_URLS, else HTTP_PORTS and HTTPS_PORTS (every interface), else PORT (every interface, as platforms that set it
// want), else http://localhost:5000. The names may begin with DOTNET_ in place of ASPNETCORE_, the ports with either or
// neither (reference: servers.md, 3.6). localhost is both loopback addresses, and may have port 0. Listening sockets that
// were handed over by systemd's protocol (LISTEN_FDS) are used in place of new ones, and served when nobody asked for
// their address.
//
// An https address is served with the certificate that options or a file name, else with that of package devcert, which is
// made when there is none; then a line on stderr says how to have it trusted.
//
// All of them are opened or none: the error then joins an *AddressError for each that is wrong or taken. One line for
// each address goes to stderr when all are open; under gorun (GORUN_SERVER is set) it is gorun that tells those it knows of, and
// Run is silent unless code or a Kestrel section has chosen an address.
//
// The text of an error has a line with a hint below each problem about which something can be done: log.Fatal says it all. Who
// shows errors in another way finds the hints by errors.As, as the Hint of what is joined in it.
//
// When it is asked to stop, Run opens no new connection, lets running requests finish within the limit of
// WithShutdownTimeout, and returns nil. It returns an error when requests were cut off at that limit; their handlers
// see it by the request's context. Connections that a handler has hijacked are left to it. The context of a request has
// the values of ctx but is not cancelled with it.
// A second signal is not caught: it ends the process.
func Run(ctx context.Context, h http.Handler, opts ...Option) error {
	return New(h, opts...).Run(ctx)
}
