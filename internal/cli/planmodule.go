package cli

import (
	"fmt"

	"github.com/gorun-dev/gorun/profiles"
)

// addModule adds the module's settings: those that something decides, or all of them.
func (l *planLines) addModule(m profiles.Module, all bool) {
	if m.WebConfig.Value != "" {
		l.add("web.config", l.w.ui.Path(m.WebConfig.Value), m.WebConfig.Origin)
	}
	if m.WebConfig.Value == "" && all {
		l.add("web.config", "", m.WebConfig.Origin)
	}
	for _, s := range []struct {
		name   string
		value  string
		origin profiles.Origin
	}{
		{"applicationPath", m.ApplicationPath.Value, m.ApplicationPath.Origin},
		{"startupTimeLimit", m.StartupTimeLimit.Value.String(), m.StartupTimeLimit.Origin},
		{"shutdownTimeLimit", m.ShutdownTimeLimit.Value.String(), m.ShutdownTimeLimit.Origin},
		{"requestTimeout", m.RequestTimeout.Value.String(), m.RequestTimeout.Origin},
		{"rapidFailsPerMinute", fmt.Sprint(m.RapidFailsPerMinute.Value), m.RapidFailsPerMinute.Origin},
		{"processesPerApplication", fmt.Sprint(m.ProcessesPerApplication.Value), m.ProcessesPerApplication.Origin},
		{"stdoutLogEnabled", fmt.Sprint(m.StdoutLogEnabled.Value), m.StdoutLogEnabled.Origin},
		{"stdoutLogFile", l.w.ui.Path(m.StdoutLogFile.Value), m.StdoutLogFile.Origin},
		{"disableStartUpErrorPage", fmt.Sprint(m.DisableStartUpErrorPage.Value), m.DisableStartUpErrorPage.Origin},
		{"detailedErrors", fmt.Sprint(m.DetailedErrors.Value), m.DetailedErrors.Origin},
		{"forwardWindowsAuthToken", fmt.Sprint(m.ForwardWindowsAuthToken.Value), m.ForwardWindowsAuthToken.Origin},
		{"maxAllowedContentLength", fmt.Sprint(m.MaxAllowedContentLength.Value), m.MaxAllowedContentLength.Origin},
		{"clientCertificateMode", m.ClientCertificateMode.Value, m.ClientCertificateMode.Origin},
		{"preload", fmt.Sprint(m.Preload.Value), m.Preload.Origin},
		{"protocols", m.Protocols.Value, m.Protocols.Origin},
	} {
		if all || s.origin.Kind != profiles.FromDefault {
			l.add("module", s.name+"="+s.value, s.origin)
		}
	}
	for _, s := range m.HandlerSettings {
		l.add("module", s.Name+"="+s.Value, s.Origin)
	}
}
