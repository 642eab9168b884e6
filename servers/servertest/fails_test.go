package servertest_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/servertest"
)

// plain is a server that is not good enough: net/http, with neither Kestrel's limits nor its features, which cuts requests
// off when it is to stop and says nothing of it.
func plain(ctx context.Context, site *servers.Site) error {
	listeners, err := site.Listen()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: site.Handler}
	done := make(chan error, len(listeners))
	site.Listening(listeners[0].URL())
	for _, l := range listeners {
		go func() { done <- server.Serve(l) }()
	}
	<-ctx.Done()
	server.Close()
	for range listeners {
		<-done
	}
	return nil
}

// isPlain is set in the processes whose tests must fail.
const isPlain = "SERVERTEST_PLAIN"

// TestPlain is run by TestCanFail and TestWithout.
func TestPlain(t *testing.T) {
	if os.Getenv(isPlain) == "" {
		return // they run it in processes of their own
	}
	target := servertest.For("plain", servers.ServerFunc(plain))
	target.Without = map[string]string{"h3/": "it opens no UDP socket"}
	if os.Getenv(isPlain) == "without" {
		target.Without["h1/method/"] = "it has none"
		target.Without["h4/"] = "there is no such case"
	}
	servertest.Run(t, target)
}

// TestCanFail has cases fail for a server that is not good enough, and pass for what it does well.
func TestCanFail(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"h1/method/GET":                    "PASS",
		"h1/body/echo":                     "PASS",
		"h1/stream/events":                 "PASS",
		"bad/two-hosts":                    "FAIL",
		"bad/version-unknown":              "FAIL",
		"h1/limit/line-414":                "FAIL",
		"h1/limit/header-count-431":        "FAIL",
		"h1/body/limit-413":                "FAIL",
		"h1/context/values":                "FAIL",
		"h1/feature/connection-id-differs": "FAIL",
		"h1/header/server":                 "FAIL",
		"h1/stop/cut-off":                  "FAIL",
		"h1/stop/stream-goes-on":           "FAIL",
		"address/several":                  "FAIL",
	}
	got := runPlain(t, slices.Sorted(maps.Keys(want)))
	for name, result := range want {
		if got[name] != result {
			t.Errorf("%s: got %q, want %q", name, got[name], result)
		}
	}
}

// runPlain gives the results of cases for the plain server: PASS or FAIL.
func runPlain(t *testing.T, names []string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "TestPlain/"+strings.Join(names, "|TestPlain/"))
	cmd.Env = append(os.Environ(), isPlain+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the process has succeeded:\n%s", out)
	}
	results := map[string]string{}
	for _, found := range regexp.MustCompile(`--- (PASS|FAIL): TestPlain/(\S+)`).FindAllSubmatch(out, -1) {
		results[string(found[2])] = string(found[1])
	}
	return results
}

// TestWithout has a case skipped that is named, a group too, and a wrong name noticed.
func TestWithout(t *testing.T) {
	t.Parallel()
	all := servertest.Cases()
	for _, name := range []string{"h1/method/GET", "h2/method/GET", "h3/method/GET", "smuggling/two-lengths"} {
		if !slices.Contains(all, name) {
			t.Errorf("there is no case %q", name)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "TestPlain/h./method/GET")
	cmd.Env = append(os.Environ(), isPlain+"=without")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `Without names "h4/", which is no case`) ||
		!strings.Contains(string(out), "--- SKIP: TestPlain/h1/method/GET") || !strings.Contains(string(out), "--- SKIP: TestPlain/h3/method/GET") {
		t.Errorf("%v\n%s", err, out)
	}
}
