package profiles

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// serverHTTPSys is the server on which several programs share a port.
const serverHTTPSys = "httpsys"

// SharesPorts reports whether the Endpoints are prefixes that the program registers, with HTTP.sys or with the broker that stands
// in for it, so that other programs may have the same ports.
func (p Plan) SharesPorts() bool { return p.Server.Value == serverHTTPSys }

// ownServer is the server that a program without a front is going to run on. GORUN_SERVER, whoever set it, is what the program
// reads: where it begins or ends the sharing of ports, gorun has to know.
func (r *resolver) ownServer(env *environment, plan Plan) Setting[string] {
	v, ok := env.find(serverVariable)
	shares := v.Value == serverHTTPSys
	if !ok || v.Value == "" || shares == plan.SharesPorts() || slices.Contains(fronts, v.Value) {
		return plan.Server
	}
	return Setting[string]{v.Value, v.Origin}
}

// prefixes are those of the addresses that can be registered. Of one that cannot there is a warning: the program gets it all the
// same, and may know better.
func (r *resolver) prefixes(endpoints []Endpoint) []Endpoint {
	return slices.DeleteFunc(endpoints, func(e Endpoint) bool {
		reason, advice := whyNoPrefix(e)
		if reason == "" {
			return false
		}
		if e.Origin.Kind == FromEnvFile {
			reason = "an address in this file is no URL prefix"
		}
		r.warn("prefix", e.Origin.Place, reason+"; the program gets it as it is", advice)
		return true
	})
}

// whyNoPrefix says why an address cannot be registered, and what to do; "" when it can.
func whyNoPrefix(e Endpoint) (reason, advice string) {
	if e.Unix != "" {
		return fmt.Sprintf("%q is not a URL prefix: HTTP.sys has no unix sockets", e.URL), "name a host and a port, or choose another server"
	}
	_, err := urlprefix.Parse(e.URL)
	if wrong, ok := errors.AsType[*urlprefix.ParseError](err); ok {
		return wrong.Error(), wrong.Hint()
	}
	return "", ""
}
