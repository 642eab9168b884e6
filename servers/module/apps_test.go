package module

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// An app that knows nothing of tokens is served, and it is said, once, that it checks none.
func TestUnpairedIsSaidOnce(t *testing.T) {
	t.Parallel()
	for _, preload := range []bool{false, true} {
		w := start(t, OutOfProcess, func(o *Options) { o.Preload = preload }, "BEHIND_PLAIN=1")
		if !preload {
			w.ok("/")
		}
		if e := w.await(event.Warned, 1); e.Diagnostics[0].Code != "unpaired" || !strings.Contains(e.Diagnostics[0].Message, "http://127.0.0.1:") {
			t.Errorf("it was said: %v", e.Diagnostics)
		}
		direct, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1:"+w.ok("/env?name=PORT"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := w.do(direct); err != nil || a.body != "behind" {
			t.Errorf("past the front: %+v, %v, so what was said is not true", a, err)
		}
		_, _ = w.try("/exit") // the next process
		w.ok("/")
		w.close()
		if n := len(w.all(event.Warned)); n != 1 {
			t.Errorf("%d warnings", n)
		}
	}
}

// An app on servers says that it checks the token, and nothing is said of it; nor in-process, where there is none.
func TestPairedIsNotSaid(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { o.Preload = true })
		w.await(event.ProcessReady, 1) // in-process, the app may have the request before it says that it is ready
		_, _ = w.try("/exit")
		w.ok("/slow?for=1500ms") // longer than one may take to say it
		if list := w.all(event.Warned); len(list) != 0 {
			t.Errorf("it was said: %v", list)
		}
	})
}

// Where the front took any port, an app in-process is told which one, and knows its sockets by it.
func TestInProcessPorts(t *testing.T) {
	t.Parallel()
	w := start(t, InProcess, nil, "ASPNETCORE_URLS=http://127.0.0.1:0")
	if got, want := w.ok("/env?name=ASPNETCORE_URLS"), w.URLs()[0]; got != want {
		t.Errorf("ASPNETCORE_URLS is %s, want %s", got, want)
	}
	if out := w.out.String(); strings.Contains(out, "WARN") {
		t.Errorf("the app says: %s", out)
	}
}
