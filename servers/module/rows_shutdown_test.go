package module

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// D1: an app that does not stop is killed when its time is over, and that is told.
func TestD1_ShutdownTimeLimit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { o.App.Backend.ShutdownTimeLimit = 200 * time.Millisecond }, "BEHIND_IGNORE_STOP=1")
		w.ok("/")
		w.close()
		if warned := w.await(event.Warned, 1).Diagnostics[0].Message; !strings.Contains(warned, "failed to gracefully shut down process") {
			t.Errorf("it was told: %s", warned)
		}
		w.await(event.ProcessExited, 1)
	})
}

// D2, P4: an app that stops by its own will, from within a request, ends, and the next request starts it anew.
func TestD2_P4_TheAppStopsItself(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		pids := map[string]bool{}
		for round := range 3 {
			pids[w.ok("/pid")] = true
			if a, err := w.try("/stop"); err == nil && a.body != "stopping" {
				t.Errorf("/stop: %+v", a)
			}
			if e := w.await(event.ProcessExited, round+1); *e.ExitCode != 0 {
				t.Errorf("it ended with %d", *e.ExitCode)
			}
			answered := false
			for range 10 {
				a, err := w.try("/")
				if answered = err == nil && a.status == http.StatusOK; answered {
					break
				}
			}
			if !answered {
				t.Fatal("ten requests, and the app has not come back")
			}
		}
		if len(pids) != 3 {
			t.Errorf("the processes were %v", pids)
		}
	})
}

// D5: a program that cannot be started, and then the file.
func TestD5_OfflineAfterABadPath(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) {
			command(o, func(spec *process.Spec) error { spec.Path += ".missing"; return nil })
		})
		w.get("/").has(t, "HTTP Error "+of(hosting, "502.5", "500.0"))
		w.write(offlineName, "soon")
		w.until("/", func(a answer) bool { return a.isOffline("soon") })
	})
}

// D6, D10: in-process, the file counts after a start that failed, and when it goes the app is started.
func TestD6_D10_OfflineAfterAFailedStartInProcess(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		dir := t.TempDir()
		w := start(t, hosting, nil, "BEHIND_EXIT=3", "BEHIND_EXIT_ONCE="+filepath.Join(dir, "failed"))
		if hosting == InProcess { // out-of-process the second attempt succeeds at once
			w.get("/").has(t, "HTTP Error 500.30")
		}
		w.write(offlineName, "soon")
		w.until("/", func(a answer) bool { return a.isOffline("soon") })
		w.remove(offlineName)
		w.until("/", func(a answer) bool { return a.status == http.StatusOK && a.body == "behind" })
	})
}

// D8: a running app goes when the file comes.
func TestD8_OfflineWhileRunning(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		before := w.pid()
		w.write(offlineName, "offline")
		if e := w.await(event.ProcessExited, 1); e.PID != before || *e.ExitCode != 0 {
			t.Errorf("process %d ended with %d, not %d with 0", e.PID, *e.ExitCode, before)
		}
		if a := w.get("/"); !a.isOffline("offline") {
			t.Errorf("got %+v", a)
		}
	})
}

// D12: the file comes while the app starts. The request that waits is answered, and nothing is left of the app.
func TestD12_OfflineWhileStarting(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil, "BEHIND_HANG=1")
		first := make(chan error, 1)
		go func() {
			a, err := w.try("/")
			if err == nil && !a.isOffline("offline") && a.status != http.StatusServiceUnavailable {
				err = fmt.Errorf("%+v", a)
			}
			first <- err
		}()
		w.await(event.ProcessStarted, 1)
		w.write(offlineName, "offline")
		w.await(event.ProcessExited, 1)
		w.until("/", func(a answer) bool { return a.isOffline("offline") })
		if err := <-first; err != nil {
			t.Errorf("the request that waited: %v", err)
		}
		if n := strings.Count(w.story(), string(event.ProcessStarted)); n != 1 {
			t.Errorf("the app was started %d times: %s", n, w.story())
		}
	})
}

// An app that is started without a request is not started while it is offline, and again when it is online.
func TestOfflineHoldsPreload(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) {
			o.Preload = true
			writeIn(t, o.Root, offlineName, "offline")
		})
		if a := w.get("/"); !a.isOffline("offline") || strings.Contains(w.story(), string(event.ProcessStarted)) {
			t.Errorf("got %+v after %s", a, w.story())
		}
		for round := range 2 {
			w.remove(offlineName)
			w.await(event.ProcessReady, round+1)
			w.write(offlineName, "offline")
			w.await(event.ProcessExited, round+1)
		}
		w.until("/", func(a answer) bool { return a.isOffline("offline") })
		if n := strings.Count(w.story(), string(event.ProcessStarted)); n != 2 {
			t.Errorf("the app was started %d times: %s", n, w.story())
		}
	})
}

// D13: a change of the configuration has the app stop gracefully, in-process, too.
func TestD13_ConfigurationChangeStops(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, reloading(same))
		before := w.pid()
		w.write("web.config", "<configuration/>")
		w.until("/pid", func(a answer) bool { return a.status == http.StatusOK && a.body != fmt.Sprint(before) })
		if e := w.await(event.ProcessExited, 1); e.PID != before || *e.ExitCode != 0 {
			t.Errorf("process %d ended with %d", e.PID, *e.ExitCode)
		}
	})
}

// D17, D18: a connection that the app aborts is a bad gateway behind a front that passes requests on, and the client's own
// connection where the app has that. The app lives on.
func TestD17_D18_ServerAbort(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		before := w.pid()
		a, err := w.try("/abort")
		if isGateway := err == nil && a.status == http.StatusBadGateway && strings.Contains(a.body, "502.3"); isGateway != (hosting == OutOfProcess) || !isGateway && err == nil {
			t.Errorf("got %+v, %v", a, err)
		}
		if after := w.pid(); after != before {
			t.Errorf("process %d became %d", before, after)
		}
	})
}

// D19: the app goes with the front, when that is asked to stop and when it is to end at once.
func TestD19_TheAppGoesWithTheFront(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		for _, kill := range []bool{false, true} {
			w := start(t, hosting, nil, map[bool]string{false: "NOTHING=", true: "BEHIND_IGNORE_STOP=1"}[kill])
			pid := w.pid()
			w.stop()
			if kill {
				w.Kill()
			}
			w.close()
			if e := w.await(event.ProcessExited, 1); e.PID != pid || (*e.ExitCode == 0) == kill {
				t.Errorf("process %d of %d has ended with %d", e.PID, pid, *e.ExitCode)
			}
		}
	})
}
