// Command three is a small app. Its environment says where it is served:
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
	err := servers.Run(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello by %s\n", r.Proto)
	}))
	if err != nil {
		log.Fatal(err)
	}
}
