package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// urlCases have targets reach the handler as they were sent, and decoded once.
func urlCases() group {
	g := group{
		"url/host": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
			s.get("/").want(e, 200, host(e, s.url()))
			req := s.request(http.MethodGet, "/", nil)
			req.Host = "api.example:8080"
			s.do(req).want(e, 200, "api.example:8080")
		},
		"url/long": func(e *env) { // below Kestrel's 8 KiB for the line
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.RequestURI)) })
			s.get("/"+strings.Repeat("a", 7_999)).want(e, 200, "8000")
		},
		"url/mux": func(e *env) { // patterns see methods, hosts and wildcards
			mux := http.NewServeMux()
			mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) })
			s := e.serve(mux.ServeHTTP)
			s.get("/items/a%2Fb").want(e, 200, "a/b")
			want(e, "POST", s.post("/items/a", "").StatusCode, http.StatusMethodNotAllowed)
		},
	}
	for name, u := range map[string]struct{ target, path, query string }{
		"url/root":          {"/", "/", ""},
		"url/query":         {"/a?b=c&d=%20", "/a", "b=c&d=%20"},
		"url/empty-query":   {"/a?", "/a", ""},
		"url/escaped":       {"/a%20b", "/a b", ""},
		"url/escaped-slash": {"/a%2Fb", "/a/b", ""},
		"url/escaped-once":  {"/a%252Fb", "/a%2Fb", ""},
		"url/unicode":       {"/%C3%A9t%C3%A9", "/été", ""},
		"url/plus":          {"/a+b?c+d", "/a+b", "c+d"},
		"url/semicolon":     {"/a;b?c;d", "/a;b", "c;d"},
		"url/double-slash":  {"/a//b", "/a//b", ""},
		// Dot segments are gone before anybody compares paths, in every protocol alike (oracle: target-dot-*).
		"url/dots":            {"/a/../b/./c", "/b/c", ""},
		"url/dots-above-root": {"/../../a", "/a", ""},
		"url/dots-escaped":    {"/a/%2e%2e/b", "/b", ""},
		"url/question-twice":  {"/a?b?c", "/a", "b?c"},
	} {
		g[name] = func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "%s|%s|%s|%s", r.RequestURI, r.URL.Path, r.URL.RawQuery, r.URL.Host)
			})
			s.get(u.target).want(e, 200, u.target+"|"+u.path+"|"+u.query+"|")
		}
	}
	return g
}
