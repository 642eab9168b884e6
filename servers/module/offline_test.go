package module

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// isOffline reports whether a is app_offline.htm's.
func (a answer) isOffline(text string) bool {
	return a.status == http.StatusServiceUnavailable && a.body == text && a.header.Get("Content-Type") == "text/html"
}

func TestD3_OfflineBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { writeIn(t, o.Root, "App_Offline.HTM", "The app is offline.") })
		if a := w.get("/"); !a.isOffline("The app is offline.") {
			t.Errorf("got %+v", a)
		}
		if strings.Contains(w.story(), string(event.ProcessStarted)) {
			t.Errorf("the app was started: %s", w.story())
		}
	})
}

// A file that cannot be read takes the app offline, too. For the superuser only a folder is such a file.
func TestD4_LockedOffline(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { makeFolder(t, o.Root, offlineName) })
		if a := w.get("/"); !a.isOffline("") {
			t.Errorf("got %+v", a)
		}
	})
}

func TestD5_OfflineAfterAFailedStart(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		want := map[Hosting]string{OutOfProcess: "502.5", InProcess: "500.30"}[hosting]
		w := start(t, hosting, nil, "BEHIND_EXIT=3")
		if a := w.get("/"); !strings.Contains(a.body, want) {
			t.Errorf("got %+v, want %s", a, want)
		}
		w.write(offlineName, "soon")
		w.await(event.Offline, 1)
		w.until("/", func(a answer) bool { return a.isOffline("soon") })
	})
}

// D7: what runs when the file comes is finished by the app, which knows that it is to stop.
func TestD7_RequestsInFlightAreFinished(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		w.ok("/")
		var posts sync.WaitGroup
		writers := make([]*io.PipeWriter, 2)
		for i := range writers {
			body, writer := io.Pipe()
			writers[i] = writer
			begun := make(chan struct{})
			posts.Go(func() {
				resp, err := w.client.Post(w.URLs()[0]+"/echo", "text/plain", body)
				if err != nil {
					t.Error(err)
					close(begun)
					return
				}
				defer resp.Body.Close()
				first := make([]byte, 5)
				_, err = io.ReadFull(resp.Body, first)
				close(begun)
				rest, restErr := io.ReadAll(resp.Body)
				if err != nil || restErr != nil || string(first)+string(rest) != "begun, enddone" {
					t.Errorf("got %q and %q, %v, %v", first, rest, err, restErr)
				}
			})
			fmt.Fprint(writer, "begun")
			<-begun
		}
		w.write(offlineName, "offline")
		w.await(event.Stopping, 1) // the app was told
		w.until("/", func(a answer) bool { return a.isOffline("offline") })
		for _, writer := range writers {
			fmt.Fprint(writer, ", end")
			writer.Close()
		}
		posts.Wait()
		if e := w.await(event.ProcessExited, 1); *e.ExitCode != 0 {
			t.Errorf("the app ended with %d", *e.ExitCode)
		}
	})
}

func TestD9_OfflineComesAndGoes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		for round := range 5 {
			w.until("/", func(a answer) bool { return a.status == http.StatusOK && a.body == "behind" })
			w.write(offlineName, "offline")
			w.until("/", func(a answer) bool { return a.isOffline("offline") })
			w.await(event.ProcessExited, round+1)
			w.remove(offlineName)
		}
		w.until("/", func(a answer) bool { return a.status == http.StatusOK })
	})
}

// D11: under load, each answer is the app's or the page, and no connection fails.
func TestD11_OfflineUnderLoad(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, nil)
	load := w.load(4, func(a answer, err error) error {
		if err == nil && (a.status == http.StatusOK && a.body == "behind" || a.isOffline("offline") || a.isOffline("")) {
			return nil // the page is empty for as long as the file is
		}
		return fmt.Errorf("%+v, %v", a, err)
	})
	for round := range 5 {
		w.until("/", func(a answer) bool { return a.status == http.StatusOK })
		w.write(offlineName, "")
		w.write(offlineName, "offline")
		w.await(event.ProcessExited, round+1)
		w.remove(offlineName)
	}
	if n := load(); n < 50 {
		t.Errorf("only %d requests were made", n)
	}
}

// until asks until the answer is as it should be.
func (w *world) until(path string, is func(answer) bool) {
	w.t.Helper()
	var last answer
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if last, err = w.try(path); err == nil && is(last) {
			return
		}
	}
	w.t.Fatalf("%s never is as it should be; in the end %+v, %v", path, last, err)
}

// load asks for / over several connections until the function that it returns is called, which gives how many answers there were.
func (w *world) load(clients int, check func(answer, error) error) (end func() int64) {
	var done atomic.Bool
	var asked atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for !done.Load() {
				if err := check(w.try("/")); err != nil {
					w.t.Error(err)
					return
				}
				asked.Add(1)
			}
		})
	}
	return func() int64 {
		done.Store(true)
		wg.Wait()
		return asked.Load()
	}
}
