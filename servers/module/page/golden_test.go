package page

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// chromeAccept is what Chromium asks for.
const chromeAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"

// get asks f for a page in the form that accept names.
func get(t *testing.T, h http.Handler, method, accept string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, "/orders?id=4", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	h.ServeHTTP(w, r)
	return w
}

// nonces are random; in the golden files they are a word.
var nonces = regexp.MustCompile(`nonce="[A-Z2-7]+"`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: go test -update writes it", err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s\ngot:\n%s", path, diff, got)
	}
}

func code(n int) *int { return &n }

// startLimit is a setting that many failures concern.
var startLimit = Setting{"startupTimeLimit", "120", "web.config:7"}

// samples has at least one failure of each Kind, by the names of its golden files.
var samples = map[string]Failure{
	"500.0-internal": {Kind: Internal},
	"500.0-in-process-load": {Kind: InProcessLoad, Program: "api", Command: []string{"./bin/apj"},
		Attempts: []Attempt{{Err: "there is no program ./bin/apj"}}, Settings: []Setting{{"processPath", "./bin/apj", "web.config:5:22"}}},
	"500.0-out-of-process-load": {Kind: OutOfProcessLoad, Program: "api",
		Settings: []Setting{{"hostingModel", "bogus", "web.config:5:60"}}, Advice: []string{"`hostingModel` is `inprocess` or `outofprocess`."}},
	"500.30-in-process-start": {Kind: InProcessStart, Program: "api", Command: []string{"./bin/api", "--cache=64MB", "two words"},
		Attempts: []Attempt{{Duration: 41 * time.Millisecond, Err: "it ended before it took requests"}}, ExitCode: code(2),
		Detailed: true, Output: "\x1b[31mpanic:\x1b[0m missing DATABASE_URL\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/cmd/api/main.go:14 +0x1d\n"},
	"500.31-missing-dependency": {Kind: MissingDependency, Program: "api", Command: []string{"./api.py"},
		Attempts: []Attempt{{Duration: 2 * time.Millisecond, Err: "the system could not start it"}},
		Detailed: true, Cause: "its first line asks for /usr/bin/python2, which is not there"},
	"500.31-missing-dependency-plain": {Kind: MissingDependency, Program: "api", Command: []string{"./api.py"},
		Attempts: []Attempt{{Duration: 2 * time.Millisecond, Err: "the system could not start it"}},
		Cause:    "its first line asks for /usr/bin/python2, which is not there"},
	"500.32-wrong-architecture": {Kind: WrongArchitecture, Program: "api", Command: []string{"./bin/api"},
		Attempts: []Attempt{{Duration: time.Millisecond, Err: "the system cannot run it: exec format error"}}},
	"500.37-in-process-timeout": {Kind: InProcessTimeout, Program: "api", Command: []string{"./bin/api"},
		Attempts: []Attempt{{Duration: 2 * time.Minute, Err: "it took no requests"}}, Settings: []Setting{startLimit}},
	"502.3-bad-gateway": {Kind: BadGateway, Program: "api", Command: []string{"./bin/api"}, Signal: "SIGSEGV",
		Attempts: []Attempt{{Port: 21880, Duration: 3700 * time.Millisecond, Err: "the connection was reset"}}},
	"502.3-bad-gateway-alive": {Kind: BadGateway, Program: "api", Command: []string{"./bin/api"},
		Attempts: []Attempt{{Port: 21880, Duration: 2 * time.Millisecond, Err: "the answer is not HTTP"}}},
	"502.3-request-timeout": {Kind: RequestTimeout, Program: "api", Settings: []Setting{{"requestTimeout", "00:02:00", "default"}}},
	"502.5-out-of-process-start": {Kind: OutOfProcessStart, Program: "api", Command: []string{"./bin/api", "--key", "s3cr3t-value"},
		Attempts: []Attempt{{Port: 21880, Duration: 1200 * time.Millisecond, Err: "it ended before it listened"}, {Port: 40112, Duration: 1210 * time.Millisecond, Err: "it ended before it listened"}},
		ExitCode: code(2), Settings: []Setting{startLimit, {Name: "ASPNETCORE_PORT", Place: "Properties/launchSettings.json:14:7"}},
		Detailed: true, Output: "listening soon\n<script>alert('s3cr3t-value')</script>\npanic: missing \"DATABASE_URL\"\n", Redact: []string{"s3cr3t-value"},
		Link: "https://example.com/help?a=1&b=2"},
	"502.5-out-of-process-start-plain": {Kind: OutOfProcessStart, Program: "api", Command: []string{"./bin/api"},
		Attempts: []Attempt{{Port: 21880, Duration: 2 * time.Minute, Err: "it did not listen"}, {Port: 40112, Duration: 125 * time.Second, Err: "it did not listen"}},
		Settings: []Setting{startLimit}, Output: "never shown"},
	"502.5-out-of-process-start-killed": {Kind: OutOfProcessStart, Program: "api", Command: []string{"./bin/api"}, Signal: "SIGKILL",
		Attempts: []Attempt{{Port: 21880, Duration: 900 * time.Millisecond, Err: "it ended before it listened"}}},
	"502.5-no-port": {Kind: OutOfProcessStart, Program: "api", Attempts: []Attempt{{Err: "no port could be chosen"}},
		Settings: []Setting{{Name: "ASPNETCORE_PORT", Place: "--environment"}}, Advice: []string{"remove the variable ASPNETCORE_PORT, and a free port is chosen"}},
	"502.5-missing": {Kind: OutOfProcessStart, Missing: true, Program: "api", Attempts: []Attempt{{Duration: 193 * time.Millisecond, Err: "there is no program to start"}},
		Detailed: true, Cause: "api does not build\n./main.go:6:12: undefined: nope"},
	"500.0-missing-plain": {Kind: InProcessLoad, Missing: true, Program: "api", Attempts: []Attempt{{Duration: 193 * time.Millisecond, Err: "there is no program to start"}}},
	"502.5-short": {Kind: OutOfProcessStart, Short: true, Program: "never", Command: []string{"never"}, ExitCode: code(2), Detailed: true,
		Output: "never", Cause: "never", Link: "https://never.example", Settings: []Setting{{"never", "never", "never"}}, Advice: []string{"never"}},
	"500.30-short":    {Kind: InProcessStart, Short: true, Program: "never"},
	"503-stopping":    {Kind: Stopping, Program: "api"},
	"503-rapid-fails": {Kind: RapidFails, Program: "api", Settings: []Setting{{"rapidFailsPerMinute", "10", "default"}}, ExitCode: code(1), RetryAfter: 41 * time.Second},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	seen := map[Kind]bool{}
	for name, f := range samples {
		seen[f.Kind] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, form := range []struct{ ext, accept, contentType string }{
				{".html", chromeAccept, "text/html; charset=utf-8"},
				{".txt", "*/*", "text/plain; charset=utf-8"},
				{".json", "application/json", "application/problem+json"},
			} {
				w := get(t, f, http.MethodGet, form.accept)
				if got := w.Header().Get("Content-Type"); got != form.contentType {
					t.Errorf("%s is %q, want %q", form.ext, got, form.contentType)
				}
				if w.Code != f.kind().Status() {
					t.Errorf("%s has status %d, want %d", form.ext, w.Code, f.kind().Status())
				}
				body := w.Body.String()
				if strings.Contains(body, "never") && f.Short {
					t.Errorf("%s has details:\n%s", form.ext, body)
				}
				golden(t, name+form.ext, nonces.ReplaceAllString(body, `nonce="NONCE"`))
			}
		})
	}
	for k := range Kind(len(kinds)) {
		if !seen[k] {
			t.Errorf("no sample of kind %d, %s", k, k.Name())
		}
	}
}
