// Command shop is an app that has one path of a port, which it shares with blog and admin:
//
//	cd testdata/apps/shared; gorun -lp shop
//	curl http://localhost:5090/shop/goods
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/feature"
)

func main() {
	http.HandleFunc("GET /goods", goods)
	http.HandleFunc("POST /orders", order)
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, base(r)+"/goods", http.StatusFound)
	})
	if err := servers.Run(context.Background(), http.DefaultServeMux); err != nil {
		log.Fatal(err)
	}
}

// goods lists what there is. The path that a handler sees is the one below the prefix.
func goods(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "shop at %s%s: apples, pears\n", base(r), r.URL.Path)
}

// order reads a body, which belongs to this app alone, whoever had the connection before.
func order(w http.ResponseWriter, r *http.Request) {
	var what string
	if _, err := fmt.Fscan(http.MaxBytesReader(w, r.Body, 1000), &what); err != nil {
		http.Error(w, "an order is one word", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "shop has ordered %s\n", what)
}

// base is where the app is: "/shop" with the profile's address.
func base(r *http.Request) string {
	base, _ := feature.Get[feature.PathBase](r.Context())
	return base.Path
}
