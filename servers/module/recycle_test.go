package module

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// reloading has the front watch web.config. The app is as next says when that has changed.
func reloading(next func(App) (App, error)) func(o *Options) {
	return func(o *Options) {
		app := o.App
		o.Watch = []string{filepath.Join(o.Root, "web.config")}
		o.Reload = func() (App, error) { return next(app) }
	}
}

func same(app App) (App, error) { return app, nil }

func TestD14_ConfigChangeRestartsTheApp(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, reloading(same))
		before := w.pid()
		w.write("web.config", "<configuration/>")
		w.await(event.Recycling, 1)
		w.until("/pid", func(a answer) bool { return a.status == http.StatusOK && a.body != fmt.Sprint(before) })
		w.await(event.ProcessExited, 1)
		if e := w.await(event.ProcessExited, 1); e.PID != before || *e.ExitCode != 0 {
			t.Errorf("process %d has ended with %d, and not %d with 0", e.PID, *e.ExitCode, before)
		}
	})
}

// What changes is what the new process gets.
func TestConfigChangeCounts(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, reloading(func(app App) (App, error) {
		app.Path = "/sub"
		return app, nil
	}))
	w.ok("/pid")
	w.write("web.config", "<configuration/>")
	w.until("/sub/pid", func(a answer) bool { return a.status == http.StatusOK })
	if a := w.get("/pid"); a.status != http.StatusNotFound {
		t.Errorf("got %+v", a)
	}
}

// Settings that cannot be used lose nothing: the app goes on, and it is said why.
func TestBadConfigChangeIsToldAndLeavesTheApp(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, reloading(func(App) (App, error) { return App{}, errors.New("web.config:3:5: no") }))
		before := w.pid()
		w.write("web.config", "<configuration>")
		e := w.await(event.Warned, 1)
		if !strings.Contains(e.Diagnostics[0].Message, "web.config:3:5: no") {
			t.Errorf("it was told: %v", e.Diagnostics)
		}
		if after := w.pid(); after != before {
			t.Errorf("process %d became %d", before, after)
		}
	})
}

// D16: a file that is touched again and again, under load: no request fails, and none is answered by anybody but the app.
func TestD16_ConfigTouchedUnderLoad(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, reloading(same))
		path := filepath.Join(w.options.Root, "web.config")
		w.write("web.config", "<configuration/>")
		w.ok("/")
		load := w.load(4, func(a answer, err error) error {
			if err == nil && a.status == http.StatusOK && a.body == "behind" {
				return nil
			}
			return fmt.Errorf("%+v, %v", a, err)
		})
		touches := 100
		if testing.Short() {
			touches = 10
		}
		for i := range touches {
			when := time.Now().Add(time.Duration(i) * time.Second)
			if err := os.Chtimes(path, when, when); err != nil {
				t.Fatal(err)
			}
			if i%20 == 0 {
				w.await(event.Recycling, 1+i/20)
			}
		}
		t.Logf("count: %d requests during %d touches, none lost", load(), touches)
	})
}

// D15: the hosting model can be changed at run time.
func TestD15_HostingModelSwitch(t *testing.T) {
	t.Parallel()
	var turn atomic.Int64
	w := start(t, OutOfProcess, reloading(func(app App) (App, error) {
		app.Hosting = []Hosting{OutOfProcess, InProcess}[turn.Add(1)%2]
		return app, nil
	}))
	port := func() bool { return w.get("/env?name=ASPNETCORE_PORT").status == http.StatusOK }
	if !port() {
		t.Error("out-of-process, and no port")
	}
	load := w.load(4, func(a answer, err error) error {
		if err == nil && a.status == http.StatusOK && a.body == "behind" {
			return nil
		}
		return fmt.Errorf("%+v, %v", a, err)
	})
	for i := range 4 {
		w.write("web.config", fmt.Sprint(i))
		w.await(event.Recycling, i+1)
		for deadline := time.Now().Add(patience); port() != (i%2 == 1); {
			if time.Now().After(deadline) {
				t.Fatalf("change %d never counts", i)
			}
		}
	}
	t.Logf("count: %d requests during 4 changes of the hosting model, none lost", load())
}
