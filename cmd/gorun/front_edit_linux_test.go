package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// load asks for / over several connections, until the function that it gives is called: that tells how many answers there
// were. All must be 200.
func (f *fronted) load(clients int) (end func() int64) {
	var done atomic.Bool
	var asked atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for !done.Load() {
				if status, body, err := f.get("/"); err != nil || status != http.StatusOK {
					f.t.Errorf("%d %s %v", status, body, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	end = func() int64 {
		done.Store(true)
		all.Wait()
		return asked.Load()
	}
	f.t.Cleanup(func() { end() })
	return end
}

// mode waits until the app's variable MODE has a value.
func (f *fronted) mode(want string) {
	f.t.Helper()
	f.within("MODE="+want, func() bool { return f.ok("/env?name=MODE") == want })
}

// webConfig sets MODE.
func webConfig(mode string) string {
	return fmt.Sprintf(`<configuration>
  <system.webServer>
    <aspNetCore processPath="witness">
      <environmentVariables>
        <environmentVariable name="MODE" value="%s" />
      </environmentVariables>
    </aspNetCore>
  </system.webServer>
</configuration>
`, mode)
}

// web.config is edited, again and again, under load: the new process has what it says, and no request is lost.
func TestFrontWebConfigEdited(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			s := witnessSite(t, hosting, "")
			s.write("web.config", webConfig("0"))
			f := s.start()
			f.mode("0")
			end := f.load(4)
			edits := 3
			if large() {
				edits = 20
			}
			for i := range edits {
				s.write("web.config", webConfig(fmt.Sprint(i+1)))
				f.mode(fmt.Sprint(i + 1))
			}
			t.Logf("count: %d requests during %d edits of web.config, none lost", end(), edits)
		})
	}
}

// A variable of the profile is edited; then the file is broken, in which case it is said where, and the app goes on; then it is
// right again.
func TestFrontLaunchSettingsEdited(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			settings := func(mode string) string {
				return express(hosting, fmt.Sprintf(`"processPath": %q`, sampleApp(t, "witness")),
					fmt.Sprintf(`, "environmentVariables": { "MODE": "%s" }`, mode))
			}
			s := newSite(t, settings("first"), nil)
			f := s.start()
			f.mode("first")
			end := f.load(4)
			s.write("Properties/launchSettings.json", settings("second"))
			f.mode("second")
			s.write("Properties/launchSettings.json", strings.Replace(settings("third"), `"profiles"`, `"profiles" x`, 1))
			f.says("launchSettings.json:3:")
			s.write("Properties/launchSettings.json", strings.Replace(settings("third"), hosting, "Bogus", 1))
			f.says("Bogus")
			if got := f.ok("/env?name=MODE"); got != "second" {
				t.Errorf("with a broken file MODE is %s", got)
			}
			s.write("Properties/launchSettings.json", settings("fourth"))
			f.mode("fourth")
			t.Logf("count: %d requests during 4 edits of launchSettings.json, none lost", end())
			if n := len(f.all(event.Recycling)); n != 2 {
				t.Errorf("it was recycled %d times", n)
			}
		})
	}
}

// plainApp is an app on net/http that only knows PORT. It tells word, and ends itself when it is asked for /crash.
func plainApp(word string) string {
	return fmt.Sprintf(`package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, %s) })
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
`, word)
}

const plainModule = "module example.com/plain\n\ngo 1.26\n"

// The source is edited: the process that runs goes on, and the next one is of the new source. One that cannot be built says why,
// to who sits at the terminal and to who looks at the page, until it is repaired.
func TestFrontSourceEdited(t *testing.T) {
	t.Parallel()
	s := newSite(t, express("OutOfProcess", `"detailedErrors": true`, ""),
		map[string]string{"go.mod": plainModule, "main.go": plainApp(`"first"`)})
	f := s.start("-v", "normal")
	if got := f.ok("/"); got != "first" {
		t.Errorf("got %q", got)
	}
	s.write("main.go", plainApp(`"second"`))
	if got := f.ok("/"); got != "first" {
		t.Errorf("before the crash it got %q", got)
	}
	f.crash(1)
	if got := f.ok("/"); got != "second" {
		t.Errorf("after the crash it got %q", got)
	}
	before := len(f.all(event.ProcessReady))
	s.write("main.go", plainApp("third"))
	f.crash(before)
	status, body, err := f.get("/")
	const message = "main.go:11:84: undefined: third"
	if err != nil || status != http.StatusBadGateway || !strings.Contains(body, "502.5") || !strings.Contains(body, message) {
		t.Errorf("the page: %d %s %v", status, body, err)
	}
	f.says(message)
	s.write("main.go", plainApp(`"fourth"`))
	if got := f.ok("/"); got != "fourth" {
		t.Errorf("repaired it got %q", got)
	}
}

// crash has the n-th process end by itself.
func (f *fronted) crash(n int) {
	f.t.Helper()
	if status, _, err := f.get("/crash"); err == nil && status == http.StatusOK {
		f.t.Errorf("it lives: %d", status)
	}
	// A GET may be done twice, so that it ends the next one, too.
	if e := f.await(event.ProcessExited, n); *e.ExitCode != 3 {
		f.t.Errorf("exit code %d", *e.ExitCode)
	}
}
