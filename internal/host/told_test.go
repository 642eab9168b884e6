package host

import (
	"errors"
	"slices"
	"testing"

	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// What no page shows are the values of variables, but for those that are no secret and those that hide nothing.
func TestSecrets(t *testing.T) {
	t.Parallel()
	var plan profiles.Plan
	for name, value := range map[string]string{"SECRET": "hush", "VERBOSE": "1", "HOME": "/home/me", "PORT": "39853", "EMPTY": "", "LC_ALL": "C.UTF-8"} {
		plan.Env = append(plan.Env, profiles.EnvVar{Name: name, Value: value})
	}
	if got := secrets(plan); !slices.Equal(got, []string{"hush"}) {
		t.Errorf("got %q", got)
	}
}

// One setting says the protocols of all addresses, and HTTP/3 is for those that have TLS.
func TestSpoken(t *testing.T) {
	t.Parallel()
	all := endpoint.HTTP1AndHTTP2 | endpoint.HTTP3
	if got := spoken("https", all); got != all {
		t.Errorf("https speaks %v", got)
	}
	if got := spoken("http", all); got != endpoint.HTTP1AndHTTP2 {
		t.Errorf("http speaks %v", got)
	}
	if got := spoken("http", 0); got != 0 {
		t.Errorf("the default became %v", got)
	}
}

// An error of a reload does not say that nothing was started: something runs.
func TestWithoutStart(t *testing.T) {
	t.Parallel()
	cause := errors.New("no")
	err := withoutStart{errors.New(`profile "x" has a problem, nothing was started`)}
	if got := err.Error(); got != `profile "x" has a problem` {
		t.Errorf("got %q", got)
	}
	if !errors.Is(withoutStart{cause}, cause) || (withoutStart{cause}).Error() != "no" {
		t.Error("the error is not kept")
	}
}
