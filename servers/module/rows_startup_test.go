package module

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// of gives what a row expects of each hosting model.
func of(hosting Hosting, outOfProcess, inProcess string) string {
	if hosting == OutOfProcess {
		return outOfProcess
	}
	return inProcess
}

// has reports what is missing in the answer.
func (a answer) has(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(a.body, part) {
			t.Errorf("no %q in %d %s", part, a.status, a.body)
		}
	}
}

// S7: in-process, an app that opens its own sockets is found out; out-of-process, one that listens elsewhere.
func TestS7_DetectsOverriddenServer(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { o.App.Backend.StartupTimeLimit = 700 * time.Millisecond }, "BEHIND_LISTEN=127.0.0.1:0")
		w.get("/").has(t, "HTTP Error "+of(hosting, "502.5", "500.37"))
		failed := w.await(event.StartFailed, 1)
		want := of(hosting, "127.0.0.1:", "neither told that it is ready (READY=1) nor accepted a connection")
		if !strings.Contains(strings.Join(failed.Reasons, "\n"), want) {
			t.Errorf("it was told: %q, want %q", failed.Reasons, want)
		}
	})
}

// S12: a process that is too slow is let be, and serves when it gets ready after all.
func TestS12_SlowProcessIsKept(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting is not possible on Windows")
	}
	now := filepath.Join(t.TempDir(), "now")
	w := start(t, InProcess, func(o *Options) {
		o.App.Backend.StartupTimeLimit = 100 * time.Millisecond
		o.App.Backend.KeepSlow = true
	}, "BEHIND_START_WHEN="+now)
	for range 3 {
		w.get("/").has(t, "HTTP Error 500.37")
	}
	pid := w.await(event.ProcessStarted, 1).PID
	if story := w.story(); strings.Count(story, string(event.ProcessStarted)) != 1 || strings.Contains(story, string(event.ProcessExited)) {
		t.Errorf("the process was not let be: %s", story)
	}
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.await(event.ProcessReady, 1)
	w.until("/pid", func(a answer) bool { return a.body == fmt.Sprint(pid) })
	for range 3 {
		if got := w.ok("/"); got != "behind" {
			t.Errorf("got %q", got)
		}
	}
}

// S12: one that ends in the meantime is followed by another, when a request wants it.
func TestS12_SlowProcessThatEnds(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting is not possible on Windows")
	}
	w := start(t, InProcess, func(o *Options) {
		o.App.Backend.StartupTimeLimit = 50 * time.Millisecond
		o.App.Backend.KeepSlow = true
	}, "BEHIND_HANG=1")
	w.get("/").has(t, "HTTP Error 500.37")
	p, err := os.FindProcess(w.await(event.ProcessStarted, 1).PID)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.await(event.ProcessExited, 1)
	w.until("/", func(answer) bool { return strings.Count(w.story(), string(event.ProcessStarted)) == 2 })
	w.get("/").has(t, "HTTP Error 500.37")
}

// S13: a program for another machine.
func TestS13_WrongArchitecture(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the header is Linux's")
	}
	both(t, func(t *testing.T, hosting Hosting) {
		dir := t.TempDir()
		w := start(t, hosting, func(o *Options) {
			command(o, func(spec *process.Spec) error {
				spec.Path = filepath.Join(dir, "foreign")
				return os.WriteFile(spec.Path, foreignProgram(), 0o755)
			})
		})
		w.get("/").has(t, "HTTP Error "+of(hosting, "502.5", "500.32"), "foreign")
	})
}

// foreignProgram is the begin of a 64-bit program for a machine that runs no tests.
func foreignProgram() []byte {
	header := make([]byte, 64)
	copy(header, elf.ELFMAG)
	header[elf.EI_CLASS], header[elf.EI_DATA], header[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	header[16], header[18], header[20] = byte(elf.ET_EXEC), byte(elf.EM_SPARCV9), byte(elf.EV_CURRENT)
	return header
}

// S14: what a program lacks is named where details are on, and nowhere else.
func TestS14_MissingDependency(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows knows no interpreters")
	}
	both(t, func(t *testing.T, hosting Hosting) {
		for _, detailed := range []bool{true, false} {
			w := start(t, hosting, func(o *Options) {
				o.App.Detailed = detailed
				command(o, func(spec *process.Spec) error {
					spec.Path, spec.Args = "/bin/sh", []string{"-c", "echo 'app: error while loading shared libraries: libframework.so.2.2' >&2; exit 127"}
					return nil
				})
			})
			a := w.get("/")
			a.has(t, "HTTP Error "+of(hosting, "502.5", "500.31"))
			if strings.Contains(a.body, "libframework.so.2.2") != detailed {
				t.Errorf("with details %v: %s", detailed, a.body)
			}
		}
	})
}

// S22, S24: a program that fails while it is set up has what it said last on the page, with the function's name.
func TestS24_PanicWhileSettingUp(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil, "BEHIND_PANIC=1")
		w.get("/").has(t, "HTTP Error "+of(hosting, "502.5", "500.30"), "panic: From Configure", "main.configure")
		if failed := w.await(event.StartFailed, 1); !strings.Contains(failed.Text, "main.configure") {
			t.Errorf("it was told: %q", failed.Text)
		}
	})
}

// S26: a Go program's stack grows as it needs to, whatever stackSize says.
func TestS26_DeepRecursion(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		if got := w.ok("/recurse?depth=300000"); got != "300000" {
			t.Errorf("got %q", got)
		}
	})
}

// S29: more output than any pipe holds neither hangs a start that fails nor is lost.
func TestS29_LargeWritesBeforeFailing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		const size = 300_000
		w := start(t, hosting, nil, fmt.Sprint("BEHIND_STDOUT_SIZE=", size), "BEHIND_EXIT=1")
		w.get("/").has(t, "HTTP Error "+of(hosting, "502.5", "500.30"))
		attempts := map[Hosting]int{OutOfProcess: 2, InProcess: 1}[hosting]
		if got := len(w.out.String()); got != attempts*size {
			t.Errorf("%d bytes of output, want %d", got, attempts*size)
		}
		if got := len(w.await(event.StartFailed, 1).Text); got != 30_000 {
			t.Errorf("%d characters are kept", got)
		}
	})
}

// S30: the link is on the pages of each kind of failure.
func TestS30_AdditionalLinkOnLoadFailures(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		const link = "https://example.com/help"
		w := start(t, hosting, func(o *Options) {
			o.App.ErrorLink = link
			command(o, func(spec *process.Spec) error { spec.Path += ".missing"; return nil })
		})
		a := w.ask("/", "Accept", "text/html")
		a.has(t, "HTTP Error "+of(hosting, "502.5", "500.0"), link)
		if !strings.HasSuffix(strings.TrimSpace(a.body), "</html>") {
			t.Errorf("it ends with %q", a.body[max(0, len(a.body)-40):])
		}
	})
}

// S31, S32, S34, S35: what the app sees of its environment.
func TestS31_S32_S34_S35_Environment(t *testing.T) {
	t.Parallel()
	const startup, ours = "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", "Microsoft.AspNetCore.Server.IISIntegration"
	both(t, func(t *testing.T, hosting Hosting) {
		long := strings.Repeat("x", 400)
		env := []string{"LONG=" + long, "ASPNETCORE_IIS_HTTPAUTH=forged", startup + "=Asm"}
		for _, own := range []bool{false, true} {
			w := start(t, hosting, func(o *Options) { o.App.Pairing.Anonymous, o.App.Pairing.HostingStartup = true, own }, env...)
			var got map[string]string
			if err := json.Unmarshal([]byte(w.ok("/environment")), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"LONG": long, "ASPNETCORE_IIS_HTTPAUTH": "anonymous;", startup: "Asm"}
			if hosting == OutOfProcess && !own {
				want[startup] = "Asm;" + ours
			}
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s is %q, want %q", name, got[name], value)
				}
			}
		}
	})
}

// S42: the app's Connection field is for the front, unless the handler setting has it passed on.
func TestS42_ConnectionField(t *testing.T) {
	t.Parallel()
	for _, forward := range []bool{true, false} {
		w := start(t, OutOfProcess, func(o *Options) { o.App.ForwardConnection = forward })
		resp, err := w.client.Get(w.URLs()[0] + "/goodbye")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Close != forward || resp.StatusCode != http.StatusOK {
			t.Errorf("forwardResponseConnectionHeader=%v: %s, and the connection is to be closed: %v", forward, resp.Status, resp.Close)
		}
	}
}
