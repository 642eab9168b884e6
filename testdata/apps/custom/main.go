// Command custom is an app with a server of its own, which numbers requests.
//
//	go run ./testdata/apps/custom
//	curl http://localhost:5000
//
// It also runs under gorun; GORUN_SERVER=kestrel has it served without numbers.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/testdata/apps/custom/audited"
)

func main() {
	http.HandleFunc("GET /{$}", greet)
	err := servers.Run(context.Background(), http.DefaultServeMux, servers.WithServer("audited", audited.New()))
	if err != nil {
		log.Fatal(err)
	}
}

// greet answers with the request's number, where the server has numbers.
func greet(w http.ResponseWriter, r *http.Request) {
	server, _ := feature.Get[feature.Server](r.Context())
	if entry, ok := feature.Get[audited.Entry](r.Context()); ok {
		fmt.Fprintf(w, "request %d by %s at %s\n", entry.Number, server.Name, r.Proto)
		return
	}
	fmt.Fprintf(w, "a request by %s\n", server.Name)
}
