// Command admin is an app that has a host name of its own on a port that it shares with shop and blog:
//
//	cd testdata/apps/shared; gorun -lp admin
//	curl http://admin.localhost:5090/
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	err := servers.Run(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "admin of %s has %s\n", r.Host, r.URL.Path)
	}))
	if err != nil {
		log.Fatal(err)
	}
}
