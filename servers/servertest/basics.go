package servertest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

func methodCases() group {
	g := group{
		"method/head": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "5")
				io.WriteString(w, "hello")
			})
			a := s.do(s.request(http.MethodHead, "/", nil))
			a.want(e, 200, "")
			want(e, "Content-Length", a.Header.Get("Content-Length"), "5")
			s.get("/").want(e, 200, "hello")
		},
		"method/options-asterisk": func(e *env) { // it is the handler's, and not answered by net/http
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.RequestURI) })
			req := s.request(http.MethodOptions, "", nil)
			req.URL.Opaque = "*"
			s.do(req).want(e, 200, "OPTIONS *")
		},
	}
	g["method/lower-case"] = named("get") // which is not GET
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		g["method/"+method] = named(method)
	}
	return g
}

func named(method string) func(*env) {
	return func(e *env) {
		s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) })
		s.do(s.request(method, "/", nil)).want(e, 200, method)
	}
}

func statusCases() group {
	return group{
		"status/each": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				status, _ := strconv.Atoi(r.URL.Query().Get("status"))
				w.WriteHeader(status)
				io.WriteString(w, "body")
			})
			for _, status := range []int{200, 201, 202, 203, 206, 226, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 418, 422, 429, 500, 501, 503, 599, 999} {
				s.get("/?status="+strconv.Itoa(status)).want(e, status, "body")
			}
		},
		"status/implicit-200": func(e *env) {
			s := e.serve(func(http.ResponseWriter, *http.Request) {})
			s.get("/").want(e, 200, "")
		},
		"status/first-counts": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(201)
				w.WriteHeader(500)
			})
			s.get("/").want(e, 201, "")
		},
		"status/204": func(e *env) { noBody(e, http.StatusNoContent) },
		"status/304": func(e *env) { noBody(e, http.StatusNotModified) },
		"status/103-early-hints": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</style.css>; rel=preload")
				w.WriteHeader(http.StatusEarlyHints)
				w.Header().Del("Link")
				io.WriteString(w, "page")
			})
			var hints []string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
				return nil
			}}
			req := s.request(http.MethodGet, "/", nil)
			a := s.do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
			a.want(e, 200, "page")
			want(e, "hints", fmt.Sprint(hints), "[103 </style.css>; rel=preload]")
			want(e, "Link", a.Header.Get("Link"), "")
		},
	}
}

// noBody has a handler write to a response that has no body, which is an error, and the connection go on.
func noBody(e *env, status int) {
	failed := make(chan error, 2)
	s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, err := io.WriteString(w, "body")
		failed <- err
	})
	for range 2 {
		a := s.get("/")
		a.want(e, status, "")
		want(e, "Write", receive(e, failed, "for Write"), http.ErrBodyNotAllowed)
		want(e, "Content-Type", a.Header.Get("Content-Type"), "")
		want(e, "Transfer-Encoding", fmt.Sprint(a.TransferEncoding), "[]")
	}
}

func headerCases() group {
	hello := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>hello") }
	return group{
		"header/date": func(e *env) {
			a := e.serve(hello).get("/")
			date, err := http.ParseTime(a.Header.Get("Date"))
			if age := time.Since(date); err != nil || age < -2*time.Second || age > limit {
				e.Errorf("Date is %q: %v", a.Header.Get("Date"), err)
			}
		},
		"header/date-of-handler": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "Sun, 06 Nov 1994 08:49:37 GMT") })
			want(e, "Date", fmt.Sprint(s.get("/").Header["Date"]), "[Sun, 06 Nov 1994 08:49:37 GMT]")
		},
		"header/no-server": func(e *env) { want(e, "Server", len(e.serve(hello).get("/").Header["Server"]), 0) },
		"header/server": func(e *env) {
			s := e.serve(hello, func(c *Config) { c.ServerHeader = "Kestrel" })
			want(e, "Server", fmt.Sprint(s.get("/").Header["Server"]), "[Kestrel]")
		},
		"header/server-of-handler": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "mine") },
				func(c *Config) { c.ServerHeader = "Kestrel" })
			want(e, "Server", fmt.Sprint(s.get("/").Header["Server"]), "[mine]")
		},
		"header/content-type-sniffed": func(e *env) {
			want(e, "Content-Type", e.serve(hello).get("/").Header.Get("Content-Type"), "text/html; charset=utf-8")
		},
		"header/content-type-none": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				hello(w, r)
			})
			want(e, "Content-Type", len(s.get("/").Header["Content-Type"]), 0)
		},
		"header/several-values": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				for _, v := range r.Header.Values("X-Many") {
					w.Header().Add("X-Many", v)
				}
			})
			req := s.request(http.MethodGet, "/", nil)
			req.Header["X-Many"] = []string{"one", "two, three", ""}
			want(e, "X-Many", strings.Join(s.do(req).Header["X-Many"], "|"), "one|two, three|")
		},
		"header/canonical": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header["X-Lower-Case"]) })
			req := s.request(http.MethodGet, "/", nil)
			req.Header["x-lower-case"] = []string{"yes"}
			s.do(req).want(e, 200, "[yes]")
		},
		"header/late": func(e *env) { // once the response has begun nothing can be added
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				w.Header().Set("X-Late", "yes")
				io.WriteString(w, "body")
			})
			a := s.get("/")
			a.want(e, 200, "body")
			want(e, "X-Late", a.Header.Get("X-Late"), "")
		},
		"header/no-injection": func(e *env) { // a line's end in a value must not make two fields
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Value", "a\r\nX-Injected: yes")
				io.WriteString(w, "body")
			})
			if a := s.get("/"); a.Header.Get("X-Injected") != "" || a.body != "body" {
				e.Errorf("got %v %q", a.Header, a.body)
			}
		},
		"header/cookies": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				for _, c := range r.Cookies() {
					http.SetCookie(w, c)
				}
			})
			req := s.request(http.MethodGet, "/", nil)
			req.AddCookie(&http.Cookie{Name: "a", Value: "1"})
			req.AddCookie(&http.Cookie{Name: "b", Value: "2"})
			want(e, "Set-Cookie", fmt.Sprint(s.do(req).Header["Set-Cookie"]), "[a=1 b=2]")
		},
		"header/large": func(e *env) { // Kestrel's default is 32 KiB for all of them
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Large", r.Header.Get("X-Large"))
				fmt.Fprint(w, len(r.Header.Get("X-Large")))
			})
			req := s.request(http.MethodGet, "/", nil)
			req.Header.Set("X-Large", strings.Repeat("a", 30_000))
			a := s.do(req)
			a.want(e, 200, "30000")
			want(e, "X-Large", len(a.Header.Get("X-Large")), 30_000)
		},
	}
}
