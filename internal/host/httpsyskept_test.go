package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// What is kept for the broker and cannot be used, which it says only to its log, is told to whoever starts a program that it concerns.
func TestWrongSettingsOfTheBroker(t *testing.T) {
	t.Parallel()
	const bound = `{"sslcert": [{"hostnameport": "x.localhost:7", "cert": "/none.pem"}]}`
	for name, test := range map[string]struct{ kept, url, code, message string }{
		"a mistake":           {`{"urlacl": [}`, "http://localhost:1", "httpsys-settings", "httpsys.json:1:13: "},
		"no certificate":      {bound, "https://x.localhost:7", "sslcert", "hostnameport=x.localhost:7: /none.pem cannot be read"},
		"another program's":   {bound, "https://x.localhost:8", "", ""},
		"not a secure prefix": {bound, "http://x.localhost:7", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			if err := os.WriteFile(filepath.Join(data, "httpsys.json"), []byte(test.kept), 0o600); err != nil {
				t.Fatal(err)
			}
			var told []diagnostic.Diagnostic
			options := Options{Emit: func(e event.Event) { told = append(told, e.Diagnostics...) }}
			newHost(on(t, profiles.Plan{}, test.url), options).warnKept([]string{"GORUN_DATA=" + data})
			if test.code == "" && len(told) > 0 {
				t.Errorf("diagnostics %+v", told)
			}
			if test.code != "" && (len(told) != 1 || told[0].Code != test.code || !strings.Contains(told[0].Message, test.message) || told[0].Suggestion == "") {
				t.Errorf("diagnostics %+v", told)
			}
		})
	}
}

// A broker that starts with a mistake in its settings runs all the same.
func TestStartWithWrongSettings(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "httpsys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, options := sharing(t, brokerFolder(t), on(t, as(t, "shared"), "http://localhost:"+freePort(t)), "NAME=shop")
	r := begin(t, plan, func(h *host) {
		options(h)
		h.Broker = func(folder string) *broker.Launcher {
			l := brokerAs("broker", folder)
			l.Environ = append(l.Environ, "GORUN_DATA="+data)
			return l
		}
	})
	if d := r.next(event.Warned).Diagnostics[0]; d.Code != "httpsys-settings" {
		t.Errorf("diagnostic %+v", d)
	}
	if got := body(t, r.ready(1)[0]); got != "shop" {
		t.Errorf("it is answered by %q", got)
	}
	r.stop()
}
