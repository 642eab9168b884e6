package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/gorun-dev/gorun/servers/feature"
)

// more adds what the tables of the reference's tests ask apps for.
func (a *app) more(mux *http.ServeMux) {
	mux.HandleFunc("/args", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Args[1:]) })
	mux.HandleFunc("/addresses", func(w http.ResponseWriter, r *http.Request) {
		server, _ := feature.Get[feature.Server](r.Context())
		_ = json.NewEncoder(w).Encode(server.Addresses)
	})
	mux.HandleFunc("/certificate", certificate)
	mux.HandleFunc("/redirect", redirect)
	mux.HandleFunc("/goodbye", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "goodbye")
	})
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/recurse", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, recurse(number(r, "depth"))) })
}

func certificate(w http.ResponseWriter, r *http.Request) {
	if t, ok := feature.TLSOf(r); ok && t.ClientCertificate() != nil {
		fmt.Fprintf(w, "%x", sha256.Sum256(t.ClientCertificate().Raw))
		return
	}
	fmt.Fprint(w, "Disabled")
}

// redirect is what an app does that wants https: with none to go to, it answers.
func redirect(w http.ResponseWriter, r *http.Request) {
	port := os.Getenv("ASPNETCORE_ANCM_HTTPS_PORT")
	if server, _ := feature.Get[feature.Server](r.Context()); port == "" {
		for _, address := range server.Addresses {
			if u, err := url.Parse(address); err == nil && u.Scheme == "https" {
				port = u.Port()
			}
		}
	}
	if r.TLS != nil || port == "" {
		fmt.Fprint(w, map[bool]string{true: "secure", false: "plain"}[r.TLS != nil])
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	http.Redirect(w, r, "https://"+net.JoinHostPort(host, port)+r.RequestURI, http.StatusTemporaryRedirect)
}

// recurse needs a stack as deep as n, with something on it.
func recurse(n int) int {
	var ballast [64]byte
	if n <= 0 {
		return int(ballast[0])
	}
	ballast[n%64] = 1
	return recurse(n-1) + int(ballast[n%64])
}
