// Package webconfig reads and writes web.config, the file in which IIS is told of the ASP.NET Core Module: the
// <aspNetCore> element of <system.webServer> (reference: servers.md, 1.1 and 1.2), maxAllowedContentLength of
// <requestFiltering>, and what sslFlags of <access> say of the certificates of clients. What real IIS reads is read the same, and what it refuses is refused, with the attribute's place.
//
// All other sections are left alone: the package is no reader of IIS's configuration. It starts nothing, opens no
// socket and decides nothing. All its values are plain; its functions may be called from several goroutines at once.
package webconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// Load reads the web.config at path, which is absolute. A file that is not there, or cannot be read, is the error,
// whose text says why; a missing one is fs.ErrNotExist. What is wrong inside is in the Diagnostics.
func Load(path string) (launchsettings.WebConfig, error) {
	data, err := launchsettings.Read(path)
	if err != nil {
		return launchsettings.WebConfig{Path: path}, err
	}
	return Parse(path, data), nil
}

// Parse reads the bytes of a web.config: UTF-8 with and without a byte order mark, or UTF-16 with one. The path only
// serves to say where things stand.
//
// It never fails: what is wrong is in the Diagnostics, in the order of the file: all of it, or the first hundred,
// but of malformed XML only the first fault. A file without an <aspNetCore> element is no error: its Module has no Place.
func Parse(path string, data []byte) launchsettings.WebConfig {
	text := launchsettings.NewText(path, data)
	out := launchsettings.WebConfig{Path: path}
	root, failure := parseXML(text)
	if failure != nil {
		out.Diagnostics = diagnostic.List{*failure}
		return out
	}
	r := &reader{text: text, module: &out.Module}
	r.file(root)
	out.Diagnostics = r.inOrder()
	return out
}

// reader takes the module's settings out of a document.
type reader struct {
	text   *launchsettings.Text
	module *launchsettings.Module
	found  diagnostic.List
}

const code = "web-config"

// maxFound is how many faults are told of one file. Nobody reads more, and each carries the line that it stands in.
// Half of them are kept for errors.
const maxFound = 100

// fail reports what real IIS refuses.
func (r *reader) fail(at span, suggestion, format string, args ...any) {
	r.report(code, diagnostic.Error, at, fmt.Sprintf(format, args...), suggestion)
}

func (r *reader) warn(at span, suggestion, format string, args ...any) {
	r.report(code, diagnostic.Warning, at, fmt.Sprintf(format, args...), suggestion)
}

func (r *reader) report(code string, severity diagnostic.Severity, at span, message, suggestion string) {
	if len(r.found) < maxFound/2 || severity == diagnostic.Error && len(r.found) < maxFound {
		r.found = append(r.found, r.text.Diagnose(code, severity, at.start, at.end, message, suggestion))
	}
}

// file reads the sections of the whole file first, then those of its <location path=".">, which are stronger.
func (r *reader) file(root *element) {
	if root.name != "configuration" {
		r.fail(root.at, "", "the first element of a web.config is <configuration>, not <%s>", root.name)
		return
	}
	r.sections(root)
	for _, location := range root.named("location") {
		// Another path is another application, or a folder of this one, which has no module of its own.
		if path, ok := location.attribute("path"); !ok || path.value == "" || path.value == "." {
			r.sections(location)
		}
	}
	r.handlerSettings()
	if !r.module.Place.IsZero() && !r.module.ProcessPath.Set {
		at := span{r.module.Place.Start.Offset, r.module.Place.End.Offset}
		r.fail(at, `name the program to start: processPath=".\api.exe"`, `the attribute "processPath" is required`)
	}
}

// sections reads those that stand in <configuration> or <location>.
func (r *reader) sections(parent *element) {
	for _, stray := range parent.named("aspNetCore") {
		r.fail(stray.at, "put it into <system.webServer>", "<aspNetCore> stands outside <system.webServer>")
	}
	seen := false
	for _, server := range parent.named("system.webServer") {
		for _, section := range server.named("aspNetCore") {
			if seen {
				r.fail(section.at, "remove one of them", "<aspNetCore> stands here a second time")
				continue
			}
			seen = true
			r.aspNetCore(section)
		}
		r.security(server)
	}
}

// security reads <security>: its <access sslFlags> and <requestFiltering><requestLimits maxAllowedContentLength>.
func (r *reader) security(server *element) {
	for _, security := range server.named("security") {
		for _, access := range security.named("access") {
			if a, ok := access.attribute("sslFlags"); ok {
				r.module.ClientCertificateMode = r.clientCertificates(a)
			}
		}
		for _, filtering := range security.named("requestFiltering") {
			for _, limits := range filtering.named("requestLimits") {
				if a, ok := limits.attribute("maxAllowedContentLength"); ok {
					r.module.MaxAllowedContentLength = r.integer(a)
				}
			}
		}
	}
}

// sslFlags are the names that IIS knows. Those that say nothing of certificates have no effect here.
var sslFlags = []string{"None", "Ssl", "SslNegotiateCert", "SslRequireCert", "SslMapCert", "Ssl128"}

// clientCertificates reads which certificates the flags ask clients for, in Kestrel's words.
func (r *reader) clientCertificates(a attribute) value[string] {
	modes := launchsettings.ClientCertificateModes()
	asked := 0
	for flag := range strings.SplitSeq(a.value, ",") {
		switch flag = strings.TrimSpace(flag); {
		case flag == "SslNegotiateCert":
			asked = max(asked, 1)
		case flag == "SslRequireCert":
			asked = 2
		case flag != "" && !slices.Contains(sslFlags, flag):
			r.fail(a.place, "it may be "+strings.Join(sslFlags, ", "), "%q has no flag %q", a.name, flag)
			return value[string]{}
		}
	}
	return set(r, a, modes[asked])
}
