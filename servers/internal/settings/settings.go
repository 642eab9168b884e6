// Package settings reads the Kestrel section of JSON files such as appsettings.json, and of the environment: where to
// listen, with which certificates, within which limits.
//
// It takes what .NET's configuration takes, key by key, and says where each fault stands. It opens no socket, reads no
// certificate and does not watch the files. Load may be called from several goroutines at once, and nothing changes
// Settings after it.
package settings

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
	"github.com/gorun-dev/gorun/servers/limits"
)

// Settings are what a Kestrel section says. The zero value says nothing.
type Settings struct {
	// Endpoints are in the order in which the sources name them first. Kestrel has them by name.
	Endpoints []Endpoint
	// EndpointDefaults have Protocols, TLSVersions and Clients. They are part of every one of Endpoints already, and are
	// meant for the endpoints that are from elsewhere, as in Kestrel.
	EndpointDefaults certificates.Settings
	// Certificates are by name. Those of Kestrel are always written Default and Development: the first is for https endpoints
	// that have none, the second has only the Password of the development certificate. nil when there are none.
	Certificates map[string]certificates.Source
	// Limits that are not said are 0, null is -1: no limit.
	Limits limits.Limits
	// AddServerHeader is nil when it is not said; then the header is sent.
	AddServerHeader *bool
	// Warnings tell of keys without a meaning, in the order of the sources.
	Warnings []*Error
}

// Endpoint is one of Kestrel:Endpoints.
type Endpoint struct {
	Name string            // the key
	URL  endpoint.Endpoint // never the zero value
	// TLS has, for http, nothing but Protocols. EndpointDefaults are merged in; those of SNI are as they stand, because what
	// they do not say is that of the endpoint.
	TLS  certificates.Endpoint
	From Place // where Url is
}

// Place is where a key or a value is: in a file, or in a variable of the environment.
type Place struct {
	File         string // the path as given to Load, or the name of a variable
	Line, Column int    // from 1, columns in characters; 0 in the environment
}

// String gives file:line:column, or the name of the variable.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Load reads the files and then the environment, whose entries are NAME=value. What is read later wins, key by key: an
// array is merged by index (reference: servers.md, 3.4). Of the environment it reads Kestrel__Endpoints__Https__Url and the
// like, in any case, also with : for __, and after ASPNETCORE_ or DOTNET_; a name without prefix wins, then ASPNETCORE_.
// Both arguments may be nil. A file without a Kestrel section, and null, say nothing.
//
// The error joins an *Error for every fault, in the order of the sources. Of a file that is not there it matches
// fs.ErrNotExist: which files are optional is for the caller to say. With an error, Settings has only the Warnings.
func Load(files, environ []string) (Settings, error) {
	t := newTree()
	for _, name := range files {
		t.readFile(name)
	}
	t.environment(environ)
	return t.settings()
}

// settings gives what the tree says.
func (t *tree) settings() (Settings, error) {
	r := &reader{problems: t.problems}
	var s Settings
	if !t.broken {
		s = r.kestrel(&t.root)
	}
	warnings := inOrder(r.warnings)
	if len(r.problems) > 0 {
		return Settings{Warnings: warnings}, join(inOrder(r.problems))
	}
	s.Warnings = warnings
	return s, nil
}

// inOrder sorts problems by source and place.
func inOrder(problems []problem) []*Error {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.at.order(), b.at.order()), cmp.Compare(a.at.offset, b.at.offset))
	})
	var errs []*Error
	for _, p := range problems {
		errs = append(errs, p.err)
	}
	return errs
}
