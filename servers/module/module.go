// Package module is the ASP.NET Core Module, the launcher's side of it: a front that owns the public addresses of an app,
// starts the app when the first request comes, protects it, restarts it when it dies, and tells the developer what went
// wrong (reference: servers.md, 1 and 2).
//
// Out-of-process the app listens on a port of its own and the front passes requests on. In-process the front only holds the
// listening sockets, and hands them to the app.
//
// It reads no settings: whoever makes a Front has decided everything. It does not build programs, and prints nothing; what
// happens is told in events. A Front owns all that it starts: when Run returns, the processes, the sockets and its own
// goroutines have ended. The methods of a Front may be called from several goroutines at once.
package module

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// Hosting says who accepts the connections of the app's clients. Its values are those of ancmHostingModel.
type Hosting string

// The models.
const (
	OutOfProcess Hosting = "OutOfProcess" // the front, which passes requests on
	InProcess    Hosting = "InProcess"    // the app, which gets the front's listening sockets
)

// Options say what a Front serves. They are not changed after New.
type Options struct {
	Name      string             // the program's short name
	Root      string             // the application's folder, in which app_offline.htm counts; absolute
	Endpoints []servers.Endpoint // the public addresses
	Environ   []string           // where the certificate for https is looked up (package devcert): NAME=value
	Limits    servers.Limits     // of clients; the zero value is Kestrel's
	Preload   bool               // the app is started at once, and again when it has ended, not by a request
	App       App

	// Watch are files whose change has Reload called, absolute paths. They need not be there.
	Watch []string
	// Reload says how the app is from now on, after a file of Watch has changed. ErrUnchanged leaves it as it is; so does any
	// other error, which is told as a warning. Nil: nothing is watched but app_offline.htm.
	Reload func() (App, error)

	Notice io.Writer    // is told when a certificate for https was made; nil is nobody
	Emit   event.Emit   // hears what happens; may be nil
	Log    *slog.Logger // the module's own, and that of the server that it is; nil is none
}

// ErrUnchanged is what Options.Reload returns when nothing has changed that counts.
var ErrUnchanged = errors.New("nothing has changed that counts")

// App is the application behind the front: what may change while the front runs. It is not changed by the front.
type App struct {
	Hosting Hosting
	Path    string // the application's path: "/", or begins with a slash and does not end with one
	// Backend says what is started and how. Its Name, Host, Attempts, Emit and Logger are the front's to set.
	Backend backend.Options
	// Pairing is what the app is told of the front; its Path and Root are the front's to set.
	Pairing backend.OutOfProcessOptions

	RequestTimeout    time.Duration    // of each step of passing a request on; 0 is none (reference: servers.md, 1.1)
	ForwardConnection bool             // the Connection field of responses is passed through (forwardResponseConnectionHeader)
	NoErrorPage       bool             // disableStartUpErrorPage
	Detailed          bool             // error pages show the output of the program
	ErrorLink         string           // added to error pages (ANCM_ADDITIONAL_ERROR_PAGE_LINK)
	Shown             map[string]Shown // settings for error pages, by the attribute's name
	Secrets           []string         // never shown on an error page, see page.Values

	// Changed reports whether the program would be another one if it were started now: an error page loads itself anew then. It
	// may look at files, and is called every few seconds. Nil: it never changes.
	Changed func() bool
}

// Shown is a setting as an error page has it.
type Shown struct {
	Value string
	Place string // such as "web.config:4:20", or "default"
}
