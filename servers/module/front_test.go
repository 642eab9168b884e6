package module

import (
	"net/http"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// The app is started by the first request, serves the next ones, and is stopped with the front.
func TestS5_HelloWorld(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		if story := w.story(); len(w.events) != 1 {
			t.Errorf("before the first request: %s", story)
		}
		if got := w.ok("/"); got != "behind" {
			t.Errorf("got %q", got)
		}
		if first, second := w.pid(), w.pid(); first != second {
			t.Errorf("two processes: %d and %d", first, second)
		}
		w.close()
		if code := w.await(event.ProcessExited, 1).ExitCode; *code != 0 {
			t.Errorf("the app ended with %d", *code)
		}
	})
}

func TestOutsideOfTheApp(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, func(o *Options) { o.App.Path = "/sub" })
	for path, want := range map[string]int{"/": 404, "/subway": 404, "/sub/pid": 200, "/SUB/pid": 200} {
		if got := w.get(path).status; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := w.get("/sub").status; got != http.StatusOK {
		t.Errorf("/sub: %d", got)
	}
}

// Requests go to several processes in turn, by whatever way they are passed on.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, func(o *Options) { o.App.Backend.Processes = 3 })
	answers := map[string]int{}
	const rounds = 10
	for i := range 3 * rounds {
		if i%2 == 0 {
			w.client.CloseIdleConnections()
		}
		answers[w.ok("/pid")]++
	}
	for pid, n := range answers {
		if n != rounds {
			t.Errorf("process %s has answered %d requests, want %d", pid, n, rounds)
		}
	}
	if len(answers) != 3 {
		t.Errorf("these processes have answered: %v", answers)
	}
}
