// Command three is an app with three lines. Its environment says where it is served:
//
//	ASPNETCORE_URLS='http://localhost:5000;https://localhost:5001;http://unix:/tmp/three.sock' go run ./testdata/apps/three
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	log.Fatal(servers.Run(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello by %s\n", r.Proto)
	})))
}
