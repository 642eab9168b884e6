package module

import (
	"io"
	"strings"
	"testing"
)

// What the front would refuse the app refuses where it accepts itself, unless it was told otherwise.
func TestBodyLimitCountsInBothModels(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		for env, passes := range map[string]bool{"": false, "Kestrel__Limits__MaxRequestBodySize=11": true} {
			if env != "" && hosting == OutOfProcess {
				continue // there it is the front's alone
			}
			w := start(t, hosting, func(o *Options) { o.Limits.MaxRequestBodySize = 10 }, "GORUN_SERVER=module", env)
			resp, err := w.client.Post(w.URLs()[0]+"/echo", "text/plain", strings.NewReader("hello world"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if strings.HasPrefix(string(got), "hello world") != passes {
				t.Errorf("with %q: %d %q, %v", env, resp.StatusCode, got, err)
			}
		}
	})
}
