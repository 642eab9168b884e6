// Command hello is a small real program for the measurements of the start: it has the whole of net/http in it, and
// ends at once unless it is given an address to listen on.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gorun-dev/gorun/testdata/bench/start/hello/greeting"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, greeting.For(r.URL.Path)) })
	if len(os.Args) > 1 {
		log.Fatal(http.ListenAndServe(os.Args[1], nil))
	}
	fmt.Println(greeting.For("/world"))
}
