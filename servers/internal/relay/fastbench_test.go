package relay

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkFast has small requests on kept connections by both ways, to one app, all in one process. Compare them over several
// interleaved runs: -count 10. Nothing is allocated on the fast way: what is counted is the app's.
func BenchmarkFast(b *testing.B) {
	app := serveFront(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	}), noTLS)
	target := Target{Address: app, Token: "t"}
	fast := serveFast(b, Options{Timeout: DefaultTimeout}, target, nil)
	complete := front(b, newRelay(b, Options{Timeout: DefaultTimeout}), target, nil)
	for _, c := range []struct{ name, addr string }{{"fast", fast.addr}, {"complete", complete}, {"alone", app}} {
		b.Run(c.name, func(b *testing.B) { bench(b, c.addr) })
	}
}
