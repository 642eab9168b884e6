package launchsettings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// The hosting models, as launchSettings.json writes them.
const (
	InProcess    = "InProcess"
	OutOfProcess = "OutOfProcess"
)

// Module is what a file says about the ASP.NET Core Module in front of a program: the "module" object of gorun's own
// settings (ModuleKeys documents each key), or the <aspNetCore> element of a web.config (reference: servers.md, 1.1
// and 1.2). The zero Module says nothing. Numbers are within their ranges; %NAME% is not expanded here.
type Module struct {
	Place Place `json:"place,omitzero"` // of the object or the element; zero when there is none

	ProcessPath             Value[string]        `json:"processPath,omitzero"`
	Arguments               Value[string]        `json:"arguments,omitzero"`
	HostingModel            Value[string]        `json:"hostingModel,omitzero"` // InProcess or OutOfProcess
	StartupTimeLimit        Value[time.Duration] `json:"startupTimeLimit,omitzero"`
	ShutdownTimeLimit       Value[time.Duration] `json:"shutdownTimeLimit,omitzero"`
	RequestTimeout          Value[time.Duration] `json:"requestTimeout,omitzero"`
	RapidFailsPerMinute     Value[int]           `json:"rapidFailsPerMinute,omitzero"`
	ProcessesPerApplication Value[int]           `json:"processesPerApplication,omitzero"`
	StdoutLogEnabled        Value[bool]          `json:"stdoutLogEnabled,omitzero"`
	StdoutLogFile           Value[string]        `json:"stdoutLogFile,omitzero"`
	DisableStartUpErrorPage Value[bool]          `json:"disableStartUpErrorPage,omitzero"`
	ForwardWindowsAuthToken Value[bool]          `json:"forwardWindowsAuthToken,omitzero"`
	EnvironmentVariables    []Variable           `json:"environmentVariables,omitempty"` // in the order of the file; each name once, the last value
	HandlerSettings         []Variable           `json:"handlerSettings,omitempty"`      // the same; known names in the reference's spelling
	MaxAllowedContentLength Value[int64]         `json:"maxAllowedContentLength,omitzero"`
	ClientCertificateMode   Value[string]        `json:"clientCertificateMode,omitzero"` // one of ClientCertificateModes; in a web.config sslFlags of <access>

	// What only gorun knows; a web.config has none of it.
	ApplicationPath Value[string] `json:"applicationPath,omitzero"` // "/", or begins with / and does not end with one
	Preload         Value[bool]   `json:"preload,omitzero"`
	Protocols       Value[string] `json:"protocols,omitzero"` // as in Kestrel's settings
	DetailedErrors  Value[bool]   `json:"detailedErrors,omitzero"`
	WebConfig       Value[string] `json:"webConfig,omitzero"`
}

// WebConfig is a web.config that was read. The zero WebConfig is none.
type WebConfig struct {
	Path        string          `json:"path"`   // absolute
	Module      Module          `json:"module"` // its Place is zero where the file has no <aspNetCore>
	Diagnostics diagnostic.List `json:"diagnostics,omitempty"`
}

// ClientCertificateModes say whether clients show a certificate, in Kestrel's words: they are not asked, they are asked and
// what they show must be good, or they must show one.
func ClientCertificateModes() []string {
	return []string{"NoCertificate", "AllowCertificate", "RequireCertificate"}
}

// handlerSettings are the names of reference: servers.md, 1.2.
var handlerSettings = []string{
	"debugLevel", "debugFile", "handlerVersion", "enableOutOfProcessConsoleRedirection", "forwardResponseConnectionHeader",
	"setCurrentDirectory", "callStartupHook", "stackSize", "suppressRecycleOnStartupTimeout",
	"experimentalEnableShadowCopy", "enableShadowCopy", "shadowCopyDirectory", "cleanShadowCopyDirectory",
}

// HandlerSettingNames are the names of handlerSettings that the module knows. Case does not count in them.
func HandlerSettingNames() []string { return slices.Clone(handlerSettings) }

// HandlerSettingName gives the reference's spelling of the name of a handler setting, and whether it knows the name;
// one that it does not know stays as it is.
func HandlerSettingName(name string) (string, bool) {
	for _, known := range handlerSettings {
		if strings.EqualFold(name, known) {
			return known, true
		}
	}
	return name, false
}

// ParseTimeSpan reads hh:mm:ss, or d.hh:mm:ss, as the module's requestTimeout is written: minutes and seconds from 0
// to 59, and hours too where there are days. The error says what is wanted.
func ParseTimeSpan(s string) (time.Duration, error) {
	wrong := fmt.Errorf("wants a time as hh:mm:ss, such as 00:02:00, not %q", s)
	clock := s
	days, rest, hasDays := strings.Cut(s, ".")
	if hasDays {
		clock = rest
	}
	parts := strings.Split(clock, ":")
	if len(parts) != 3 {
		return 0, wrong
	}
	limits := []uint64{1_000_000, 59, 59}
	if hasDays {
		limits[0] = 23
		parts, limits = append([]string{days}, parts...), append([]uint64{10_000}, limits...)
	}
	units := []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}[4-len(parts):]
	var total time.Duration
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || n > limits[i] {
			return 0, wrong
		}
		total += time.Duration(n) * units[i]
	}
	return total, nil
}

// ParseRequestTimeout reads a requestTimeout (reference: servers.md, 1.1). The error says what is wanted.
func ParseRequestTimeout(s string) (time.Duration, error) {
	d, err := ParseTimeSpan(s)
	if err == nil && d > 360*time.Hour {
		err = fmt.Errorf("wants a time up to 360:00:00, not %s", s)
	}
	return d, err
}

// checkApplicationPath gives the form of an application's path without an ending slash, or says what is wrong with it.
func checkApplicationPath(s string) (string, error) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "", fmt.Errorf(`wants "/" or a path such as "/sub", not %q`, s)
	case strings.ContainsAny(s, `?#%\ `) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", fmt.Errorf("wants a plain path, not %q", s)
	}
	trimmed := strings.TrimSuffix(s, "/")
	for segment := range strings.SplitSeq(strings.TrimPrefix(trimmed, "/"), "/") {
		if trimmed != "" && (segment == "" || segment == "." || segment == "..") {
			return "", fmt.Errorf("wants a plain path, not %q", s)
		}
	}
	if trimmed == "" {
		trimmed = "/"
	}
	return trimmed, nil
}
