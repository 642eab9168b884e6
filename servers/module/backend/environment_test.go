package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// told is the environment that a process gets.
func told(t testing.TB, o OutOfProcessOptions, env ...string) environment {
	t.Helper()
	h := NewOutOfProcess(o)
	spec := process.Spec{Env: env}
	before := slices.Clone(env)
	if err := h.Prepare(&spec); err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !slices.Equal(env, before) {
		t.Errorf("the caller's environment was changed to %v", env)
	}
	return spec.Env
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	full := OutOfProcessOptions{Path: "/sub/", Directory: "/app", Windows: true, Anonymous: true, WebSockets: true, HTTPSPorts: []uint16{44300, 44300}}
	const startup, ours = "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", "Microsoft.AspNetCore.Server.IISIntegration"
	for _, c := range []struct {
		what       string
		options    OutOfProcessOptions
		env        []string
		name, want string // "-" is not set
	}{
		{"virtual path", full, nil, "ASPNETCORE_APPL_PATH", "/sub"},
		{"site root", OutOfProcessOptions{}, []string{"ASPNETCORE_APPL_PATH=/forged"}, "ASPNETCORE_APPL_PATH", "/"},
		{"S32", full, []string{"ASPNETCORE_IIS_HTTPAUTH=forged"}, "ASPNETCORE_IIS_HTTPAUTH", "windows;anonymous;"},
		{"S32 in other case", full, []string{"aspnetcore_iis_httpauth=forged"}, "ASPNETCORE_IIS_HTTPAUTH", "windows;anonymous;"},
		{"no scheme", OutOfProcessOptions{}, nil, "ASPNETCORE_IIS_HTTPAUTH", "none"},
		{"folder, Q8", full, []string{"ASPNETCORE_IIS_PHYSICAL_PATH=/forged"}, "ASPNETCORE_IIS_PHYSICAL_PATH", "/app"},
		{"WebSockets", full, nil, "ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED", "true"},
		{"no WebSockets", OutOfProcessOptions{}, nil, "ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED", "false"},
		{"https port", full, nil, "ASPNETCORE_ANCM_HTTPS_PORT", "44300"},
		{"S39", full, []string{"ASPNETCORE_ANCM_HTTPS_PORT=123"}, "ASPNETCORE_ANCM_HTTPS_PORT", "123"},
		{"S41", OutOfProcessOptions{HTTPSPorts: []uint16{1, 2}}, nil, "ASPNETCORE_ANCM_HTTPS_PORT", "-"},
		{"no https port", OutOfProcessOptions{}, nil, "ASPNETCORE_ANCM_HTTPS_PORT", "-"},
		{"S34", full, []string{startup + "=Asm1"}, startup, "Asm1;" + ours},
		{"S34, nothing inherited", full, nil, startup, ours},
		{"S35", OutOfProcessOptions{HostingStartup: true}, []string{startup + "=Asm2"}, startup, "Asm2"},
		{"token of the user", full, []string{"ASPNETCORE_TOKEN=mine"}, "ASPNETCORE_TOKEN", "mine"},
		{"the rest", full, []string{"A=1", "A=2"}, "A", "1"},
		{"S31", full, []string{"LONG=" + strings.Repeat("x", 400)}, "LONG", strings.Repeat("x", 400)},
		{"gorun's own socket", full, []string{"NOTIFY_SOCKET=/run/systemd/notify"}, "NOTIFY_SOCKET", "-/run/systemd/notify"},
	} {
		t.Run(c.what, func(t *testing.T) {
			env := told(t, c.options, c.env...)
			got, found := env.find(c.name)
			if not, ok := strings.CutPrefix(c.want, "-"); ok {
				if found && (not == "" || got == not) {
					t.Errorf("%s is %q", c.name, got)
				}
			} else if got != c.want {
				t.Errorf("%s is %q, want %q", c.name, got, c.want)
			}
			count := 0
			for _, entry := range env {
				if name, _, _ := strings.Cut(entry, "="); strings.EqualFold(name, c.name) {
					count++
				}
			}
			if count > 1 && c.name != "A" {
				t.Errorf("%s is set %d times", c.name, count)
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := told(t, OutOfProcessOptions{}).get("ASPNETCORE_TOKEN"), told(t, OutOfProcessOptions{}, "ASPNETCORE_TOKEN=").get("ASPNETCORE_TOKEN")
	if !uuid.MatchString(a) || !uuid.MatchString(b) || a == b {
		t.Errorf("%q and %q", a, b)
	}
}

func TestP1_EnvVarValid(t *testing.T) {
	t.Parallel()
	port := randomFree(t)
	w := prepared(t, fmt.Sprintf("ASPNETCORE_PORT=%d", port), "PORT=1").open(nil)
	if got := w.page("/env?name=PORT"); got != fmt.Sprint(port) {
		t.Errorf("PORT is %s, want %d", got, port)
	}
	p := w.Ready()
	defer p.Release()
	if got := p.Hosting().(*OutOfProcess).Addr().Port(); got != port {
		t.Errorf("port %d, want %d", got, port)
	}
}

func TestP2_EnvVarEmpty(t *testing.T) {
	t.Parallel()
	for range 50 {
		var port int
		env := told(t, OutOfProcessOptions{}, "ASPNETCORE_PORT=")
		if _, err := fmt.Sscan(env.get("ASPNETCORE_PORT"), &port); err != nil || port < MinPort || port > MaxPort {
			t.Fatalf("port %d, %v", port, err)
		}
		if env.get("PORT") != fmt.Sprint(port) {
			t.Fatalf("PORT is %s", env.get("PORT"))
		}
	}
}

func TestP3_EnvVarInvalid(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"1024", "48001", "noninteger", "-1", "99999999999", " 5000"} {
		w := prepared(t, "ASPNETCORE_PORT="+value).open(nil)
		err := w.fails()
		if wrong, ok := errors.AsType[*PortVariableError](err); !ok || wrong.Value != value || len(err.Attempts) != 1 || err.Attempts[0].Stage != StagePrepare {
			t.Errorf("%q: %v", value, err)
		}
		for _, text := range []string{"ASPNETCORE_PORT", "1025", "48000", value} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v does not name %s", err, text)
			}
		}
		if !strings.Contains(err.Hint(), "ASPNETCORE_PORT") {
			t.Errorf("hint %q", err.Hint())
		}
	}
}

// What the process really sees.
func TestProcessSeesEnvironment(t *testing.T) {
	t.Parallel()
	w := prepared(t, "MINE=π").open(nil)
	p := w.get()
	defer p.Release()
	text, err := browse(p, "/environment")
	if err != nil {
		t.Fatal(err)
	}
	var env map[string]string
	if err := json.Unmarshal([]byte(text), &env); err != nil {
		t.Fatal(err)
	}
	h := p.Hosting().(*OutOfProcess)
	for name, want := range map[string]string{
		"ASPNETCORE_PORT": fmt.Sprint(h.Addr().Port()), "PORT": fmt.Sprint(h.Addr().Port()),
		"ASPNETCORE_TOKEN": h.Token(), "ASPNETCORE_APPL_PATH": "/", "MINE": "π",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
}
