package backend

import (
	"context"
	"errors"
	"slices"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// Unpaired is the Hosting of an app behind a front that is no module, such as nginx: it listens on a private port of
// 127.0.0.1 as if it stood alone, told by ASPNETCORE_URLS and PORT, and is asked to stop by a signal.
type Unpaired struct{ *OutOfProcess }

// NewUnpaired makes the Hosting of one process.
func NewUnpaired() *Unpaired { return &Unpaired{NewOutOfProcess(OutOfProcessOptions{})} }

// Prepare chooses a port. An app that is told to listen elsewhere by ASPNETCORE_URLS or PORT does so in vain: the front knows
// only this one.
func (h *Unpaired) Prepare(spec *process.Spec) error {
	if err := h.OutOfProcess.Prepare(spec); err != nil {
		return err
	}
	env := environment(slices.Clone(spec.Env))
	for _, name := range []string{pairing.PortVariable, pairing.PathVariable, pairing.TokenVariable, pairing.WebSocketsVariable,
		"ASPNETCORE_IIS_HTTPAUTH", "ASPNETCORE_IIS_PHYSICAL_PATH", hostingStartupVariable} {
		env.unset(name)
	}
	env.set("ASPNETCORE_URLS", h.Endpoint().String())
	spec.Env = env
	return nil
}

// Endpoint is where the app listens. Its port is 0 before the first attempt.
func (h *Unpaired) Endpoint() endpoint.Endpoint {
	return endpoint.Endpoint{Scheme: "http", Host: loopback.String(), Port: h.Addr().Port()}
}

// Ask is always errors.ErrUnsupported.
func (*Unpaired) Ask(context.Context, *process.Tree) error { return errors.ErrUnsupported }
