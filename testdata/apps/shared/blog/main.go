// Command blog is an app that has what is left of a port, which it shares with shop and admin:
//
//	cd testdata/apps/shared; gorun -lp blog
//	curl http://localhost:5090/posts/1
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	http.HandleFunc("GET /posts/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "blog has post %s\n", r.PathValue("id"))
	})
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "blog has 2 posts") })
	if err := servers.Run(context.Background(), http.DefaultServeMux); err != nil {
		log.Fatal(err)
	}
}
