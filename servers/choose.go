package servers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/servers/httpsys"
)

// server gives the server that GORUN_SERVER names, or, where a front has started the app, the module, or the app's own, or
// Kestrel. inherited is whether the app has inherited listening sockets.
func (o *options) server(inherited bool) (string, Server, error) {
	name := o.process.getenv("GORUN_SERVER")
	paired, err := o.pairing()
	if err != nil {
		return "", nil, err
	}
	if _, own := o.servers["module"]; !own && (name == "module" || name == "" && paired) {
		return o.module(inherited)
	}
	if name == "" {
		name = o.firstServer
	}
	if name == "" {
		name = "kestrel"
	}
	if s, ok := o.servers[name]; ok {
		return name, s, nil
	}
	switch name {
	case "kestrel":
		return name, Kestrel(), nil
	case "httpsys":
		return name, HTTPSys(httpsys.Options{}), nil
	}
	return "", nil, &serverError{name, o.known()}
}

// known lists the names that GORUN_SERVER may have.
func (o *options) known() []string {
	names := append(slices.Collect(maps.Keys(o.servers)), "kestrel", "httpsys", "module")
	slices.Sort(names)
	return slices.Compact(names)
}

// serverError says that GORUN_SERVER names a server that is not here.
type serverError struct {
	name  string
	known []string
}

func (e *serverError) Error() string {
	return fmt.Sprintf("GORUN_SERVER is %q, which is no server", e.name)
}

func (e *serverError) Hint() string {
	return fmt.Sprintf("set it to %s, or do not set it", strings.Join(e.known, " or "))
}
