package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// trailerCases are about fields after a body.
func trailerCases() group {
	return group{
		"trailer/response-announced": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Trailer", "X-Sum")
				io.WriteString(w, "body")
				w.Header().Set("X-Sum", "42")
			})
			a := s.get("/")
			a.want(e, 200, "body")
			want(e, "X-Sum", a.Trailer.Get("X-Sum"), "42")
		},
		"trailer/response-unannounced": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "body")
				http.NewResponseController(w).Flush()
				w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
			})
			a := s.get("/")
			a.want(e, 200, "body")
			want(e, "X-Sum", a.Trailer.Get("X-Sum"), "42")
		},
		"trailer/response-without-body": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Trailer", "X-Sum")
				w.WriteHeader(200)
				w.Header().Set("X-Sum", "42")
			})
			want(e, "X-Sum", s.get("/").Trailer.Get("X-Sum"), "42")
		},
		"trailer/request": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				_, announced := r.Trailer["X-Sum"]
				before := r.Trailer.Get("X-Sum")
				io.Copy(io.Discard, r.Body)
				fmt.Fprintf(w, "%v %q %q", announced, before, r.Trailer.Get("X-Sum"))
			})
			req := s.request(http.MethodPost, "/", io.MultiReader(strings.NewReader("body")))
			req.Trailer = http.Header{"X-Sum": {"42"}}
			s.do(req).want(e, 200, `true "" "42"`)
		},
	}
}
