package servers

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
)

// WithEndpoint adds an endpoint by code, as Listen does in Kestrel. Endpoints are listened on in place of addresses
// (reference: servers.md, 3.6). The URL is one, in the syntax of endpoint.Parse. Of e its Protocols, TLS and Source count, and all
// may be left out. TLS without a certificate gets one as with WithTLSConfig. TLS or HTTP/3 without https is an *AddressError of Run.
func WithEndpoint(url string, e Endpoint) Option {
	return func(o *options) {
		parsed, err := endpoint.Parse(url)
		if err != nil {
			o.errs = append(o.errs, &AddressError{URL: url, Source: "WithEndpoint", Err: err})
			return
		}
		e.Endpoint, e.Source = parsed, cmp.Or(e.Source, "WithEndpoint")
		o.own = append(o.own, e)
	}
}

// isOwn reports whether the app's code or a Kestrel section has asked for e, and not a variable that gorun sets.
func (e Endpoint) isOwn() bool {
	return e.name != "" || e.Source == "WithEndpoint" || e.Source == "WithURLs" || e.Source == fromPrefixes
}

// endpoints decides where to listen: on the prefixes of HTTP.sys, else on endpoints, else on addresses, else on the default (reference: servers.md, 3.6).
// Sockets that were handed over need no default.
func (o *options) endpoints(inherited bool) ([]Endpoint, error) {
	if o.hosting == feature.OutOfProcess {
		return o.frontEndpoint()
	}
	list, err := o.prefixes()
	if len(list) == 0 {
		list = append(append([]Endpoint{}, o.own...), o.configured...)
	}
	urls, err2 := o.fromURLs()
	switch err = errors.Join(err, err2); {
	case err != nil:
		return nil, err
	case len(list) > 0 && len(urls) > 0 && !o.preferURLs:
		o.log().Warn("endpoints override addresses", "used", join(list), "overridden", join(urls), "source", urls[0].Source)
	case len(list) > 0 && len(urls) > 0:
		o.log().Info("addresses override endpoints", "used", join(urls), "overridden", join(list))
		return urls, nil
	}
	switch {
	case len(list) > 0:
		return list, o.check(list, nil)
	case len(urls) > 0 || inherited || o.attaches():
		return urls, nil
	}
	return parse(byDefault, "http://localhost:5000")
}

func join(list []Endpoint) string {
	var urls []string
	for _, e := range list {
		urls = append(urls, fmt.Sprint(e))
	}
	return strings.Join(urls, ";")
}
