package servers

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/internal/settings"
)

// WithConfigFiles has the Kestrel section of JSON files read: endpoints, limits, certificates (reference: servers.md, 3.4;
// docs/servers-settings.md has every key). A path starts from the folder that the program runs in. A later file wins over an earlier one, key by key. Beside each name.json there
// may be a name.ENVIRONMENT.json, which is read after it; the environment is what ASPNETCORE_ENVIRONMENT says, else
// DOTNET_ENVIRONMENT, else Production. A file that is named here must be there.
//
// Variables such as Kestrel__Limits__MaxRequestBodySize are read with or without files, and win over them; options by code
// win over both.
func WithConfigFiles(paths ...string) Option {
	return func(o *options) {
		if slices.Contains(paths, "") {
			o.errs = append(o.errs, errors.New("WithConfigFiles was given an empty path"))
		}
		o.files = append(o.files, paths...)
	}
}

// WithAccessLog has each of the logs told of every request that the handler has answered. Without it nothing is logged.
func WithAccessLog(logs ...accesslog.Log) Option {
	return func(o *options) { o.logs = append(o.logs, logs...) }
}

// readConfig reads the Kestrel section.
func (o *options) readConfig() error {
	s, err := settings.Load(o.allFiles(), o.process.environ())
	for _, w := range s.Warnings {
		o.log().Warn(w.Error(), "hint", w.Hint())
	}
	if err != nil {
		return err
	}
	o.settings = s
	o.limits = o.limits.Or(s.Limits)
	if o.serverHeader == "" && s.AddServerHeader != nil && *s.AddServerHeader {
		o.serverHeader = "Kestrel"
	}
	for _, e := range s.Endpoints {
		o.configured = append(o.configured, Endpoint{Endpoint: e.URL, Source: e.From.String(), Protocols: e.TLS.Protocols, tls: &e.TLS, name: e.Name})
	}
	return nil
}

// allFiles are the files that were named, and those of the environment beside them.
func (o *options) allFiles() []string {
	environment := "Production"
	for _, name := range []string{"DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT"} {
		if value := o.process.getenv(name); value != "" {
			environment = value
		}
	}
	var all []string
	for _, path := range o.files {
		all = append(all, path)
		ext := filepath.Ext(path)
		beside := strings.TrimSuffix(path, ext) + "." + environment + ext
		if _, err := os.Stat(beside); err == nil {
			all = append(all, beside)
		}
	}
	return all
}

// observed gives the handler as it is served: seen by the access logs and the meter, if there are any.
func (o *options) observed(h http.Handler) http.Handler {
	if h == nil {
		h = http.DefaultServeMux
	}
	return accesslog.Wrap(h, append(o.logs, accesslog.Metrics(o.meter))...)
}
