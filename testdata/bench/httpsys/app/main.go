// Command app is the app that the benchmark of httpsys measures: the same program alone, on the broker, and behind nginx. It has
// one page, which BENCH_PAGE names, so that what reaches another app than its own is not found there.
package main

import (
	"cmp"
	"context"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	if err := servers.Run(context.Background(), handler(cmp.Or(os.Getenv("BENCH_PAGE"), "/"))); err != nil {
		log.Fatal(err)
	}
}

// handler has no mux, so that as much as can be of each request is the servers' work.
func handler(page string) http.Handler {
	text := "Hello from " + page
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != page {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text) // an error is the client's going away, which it counts itself
	})
}
