//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/limits"
)

// TestPrefixError says what to do, with a command that can be pasted.
func TestPrefixError(t *testing.T) {
	t.Parallel()
	for errno, c := range map[syscall.Errno]struct {
		is         error
		text, hint string
	}{
		windows.ERROR_ACCESS_DENIED:     {ErrReserved, "access denied: http://+:80/a/ is not reserved for PC\\me", `netsh http add urlacl url=http://+:80/a/ user="PC\me"`},
		windows.ERROR_ALREADY_EXISTS:    {ErrExists, "http://+:80/a/ is already registered", "netsh http show servicestate"},
		windows.ERROR_SHARING_VIOLATION: {ErrPort, "port 80 is in use by a program that does not use HTTP.sys", "netstat -ano | findstr :80"},
		windows.ERROR_INVALID_PARAMETER: {windows.ERROR_INVALID_PARAMETER, "HTTP.sys refuses http://+:80/a/", "scheme://host:port/path/"},
	} {
		err := &PrefixError{Prefix: "http://+:80/a/", Port: 80, User: `PC\me`, Err: errno}
		if !errors.Is(err, c.is) || !errors.Is(err, errno) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Hint(), c.hint) {
			t.Errorf("%v: got %v; hint: %s", errno, err, err.Hint())
		}
	}
}

func TestQueueError(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]string{
		windows.ERROR_FILE_NOT_FOUND: `there is no request queue "q" to attach to`,
		windows.ERROR_ALREADY_EXISTS: `there is a request queue "q" already`,
		windows.ERROR_INVALID_NAME:   `"q" is no name for a request queue`,
		windows.ERROR_ACCESS_DENIED:  `access to the request queue "q" is denied`,
	} {
		err := &QueueError{Name: "q", Err: errno}
		if !errors.Is(err, errno) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: got %v", errno, err)
		}
	}
}

func TestTimeoutLimits(t *testing.T) {
	t.Parallel()
	got := timeoutLimits(Timeouts{EntityBody: 1500 * time.Millisecond, HeaderWait: -1, IdleConnection: 24 * time.Hour, MinSendBytesPerSecond: -1})
	want := httpapi.TimeoutLimits{Flags: httpapi.Present, EntityBody: 2, HeaderWait: math.MaxUint16, IdleConnection: math.MaxUint16, MinSendRate: math.MaxUint32}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestOptionsOfSystem has Limits count where Options say nothing.
func TestOptionsOfSystem(t *testing.T) {
	t.Parallel()
	s := &Server{
		Options: Options{Timeouts: Timeouts{HeaderWait: time.Second}},
		Limits:  limits.Limits{MaxConcurrentConnections: 7, KeepAliveTimeout: time.Minute, RequestHeadersTimeout: time.Hour},
	}
	got := s.optionsOfSystem()
	if want := (Timeouts{HeaderWait: time.Second, IdleConnection: time.Minute}); got.MaxConnections != 7 || got.Timeouts != want {
		t.Errorf("got %d, %+v", got.MaxConnections, got.Timeouts)
	}
}

// TestOnlyBelow has the paths that the system takes for those of the prefix.
func TestOnlyBelow(t *testing.T) {
	t.Parallel()
	p, err := urlprefix.Parse("http://+:80/Base/")
	if err != nil {
		t.Fatal(err)
	}
	h := onlyBelow(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.URL.Path)) }), p)
	for target, want := range map[string]string{
		"/Base/a": "/a", "/bASE/a": "/a", "/Base": "/", "/B%61se/a": "/a", "/Base%2Fa": "", "//Base/a": "", "/other": "",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if ok := w.Code == http.StatusOK; ok != (want != "") || ok && w.Body.String() != want {
			t.Errorf("%s: got %d %s, want %q", target, w.Code, w.Body, want)
		}
	}
}
