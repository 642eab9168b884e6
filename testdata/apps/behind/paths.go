package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// app is the app. Its paths:
//
//	GET  /                  "behind"
//	GET  /pid               its process id
//	GET  /env?name=X        the value of a variable; 404 when it is not set
//	GET  /environment       all variables, a JSON object; of a name that is set twice the first value
//	GET  /dir               its working directory
//	GET  /headers           the request's fields as they came here, a JSON object of lists; with Host
//	GET  /exit?code=N       end at once, without an answer
//	GET  /stop              answer, and stop gracefully by its own will
//	GET  /close-listener    answer, stop listening, and live on
//	GET  /hang              answer when the client has gone
//	GET  /slow?for=T        begin to answer, and end T later
//	POST /echo              the body back, as it comes, and "done" at its end
//	POST /count             how many bytes the body has
//	GET  /bytes?size=N      N bytes
//	GET  /print?text=X      write a line to stdout, or with to=stderr there
//	GET  /args              its arguments, a JSON list
//	GET  /addresses         its addresses (feature.Server), a JSON list
//	GET  /certificate       the SHA-256 of the client's certificate in hexadecimal, or "Disabled"
//	GET  /redirect          "secure" over https; else to https, on the port that the front tells, or that of an https address
//	GET  /goodbye           answer with Connection: close
//	GET  /abort             end the connection without an answer
//	GET  /recurse?depth=N   call itself so often
type app struct {
	ctx  context.Context
	stop context.CancelFunc
	deaf atomic.Bool
}

func newApp() *app {
	a := &app{}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

func (a *app) paths() http.Handler {
	mux := http.NewServeMux()
	text := func(pattern string, answer func(r *http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answer(r)) })
	}
	text("/{$}", func(*http.Request) any { return "behind" })
	text("/pid", func(*http.Request) any { return os.Getpid() })
	text("/dir", func(*http.Request) any { dir, _ := os.Getwd(); return dir })
	text("/stop", func(*http.Request) any { a.stop(); return "stopping" })
	text("/close-listener", func(*http.Request) any { a.deaf.Store(true); a.stop(); return "closing" })
	text("/print", print)
	text("/count", func(r *http.Request) any { n, _ := io.Copy(io.Discard, r.Body); return n })
	mux.HandleFunc("/env", variable)
	mux.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(environment()) })
	mux.HandleFunc("/headers", headers)
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) { os.Exit(number(r, "code")) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/slow", slow)
	mux.HandleFunc("/echo", echo)
	a.more(mux)
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) { _, _ = io.CopyN(w, zeros{}, int64(number(r, "size"))) })
	return mux
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.FormValue(name))
	return n
}

func print(r *http.Request) any {
	file := os.Stdout
	if r.FormValue("to") == "stderr" {
		file = os.Stderr
	}
	fmt.Fprintln(file, r.FormValue("text"))
	return "printed"
}

func variable(w http.ResponseWriter, r *http.Request) {
	value, found := os.LookupEnv(r.FormValue("name"))
	if !found {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, value)
}

func environment() map[string]string {
	all := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := all[name]; !twice {
			all[name] = value
		}
	}
	return all
}

func headers(w http.ResponseWriter, r *http.Request) {
	all := r.Header.Clone()
	all["Host"] = []string{r.Host}
	_ = json.NewEncoder(w).Encode(all)
}

func slow(w http.ResponseWriter, r *http.Request) {
	pause, _ := time.ParseDuration(r.FormValue("for"))
	fmt.Fprint(w, "begun ")
	_ = http.NewResponseController(w).Flush()
	select {
	case <-time.After(pause):
		fmt.Fprint(w, "done")
	case <-r.Context().Done():
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	controller := http.NewResponseController(w)
	_ = controller.EnableFullDuplex()
	_ = controller.Flush()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		_, _ = w.Write(buf[:n])
		_ = controller.Flush()
		if err != nil {
			fmt.Fprint(w, "done")
			return
		}
	}
}

// zeros is an endless stream.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
