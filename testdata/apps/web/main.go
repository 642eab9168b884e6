// Command web is a small web app on gorun's servers package. Its greeting comes from the launch profile:
//
//	gorun --project testdata/apps/web --launch-profile Development
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	http.HandleFunc("GET /{$}", greet)
	if err := servers.Run(context.Background(), http.DefaultServeMux); err != nil {
		log.Fatal(err)
	}
}

// greet answers with what the profile has set.
func greet(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "%s (%s)\n", env("GREETING", "Hello"), env("ASPNETCORE_ENVIRONMENT", "Production"))
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
