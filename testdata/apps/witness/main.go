// Command witness is an app that remembers the requests it has seen, for tests of what a front lets through. It serves on
// gorun's servers package, or with WITNESS_PLAIN=1 on net/http and PORT alone; witness.py is the same on Python's http.server.
//
//	GET /seen?forget=1  the requests so far, a JSON list, without those for /seen; and forgets them
//	/once?id=N          adds a line N to the file WITNESS_LOG before it answers, and its process id
//	/hold               answers when the client has gone, and then adds "gone" to WITNESS_LOG
//	/abort              adds "aborted" to WITNESS_LOG and breaks the connection
//	/socket             an upgrade to "websocket" that gives back what comes, byte by byte, without frames
//	/count              how many bytes the body has
//	/bytes?size=N       N bytes
//	/env?name=X         the value of a variable
//	anything else       "seen"
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/gorun-dev/gorun/servers"
)

// request is one that was seen.
type request struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Host    string      `json:"host"`
	Fields  http.Header `json:"fields"`
	Body    string      `json:"body"`
	Trailer http.Header `json:"trailer"`
	Client  string      `json:"client"`
}

type witness struct {
	mu   sync.Mutex
	seen []request
}

func main() {
	w := &witness{}
	paths := map[string]http.HandlerFunc{
		"/seen": w.tell, "/once": once, "/hold": hold, "/socket": socket,
		"/abort": func(http.ResponseWriter, *http.Request) { note("aborted"); panic(http.ErrAbortHandler) },
		"/count": func(w http.ResponseWriter, r *http.Request) { n, _ := io.Copy(io.Discard, r.Body); fmt.Fprint(w, n) },
		"/bytes": bytes,
		"/env":   func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name"))) },
	}
	all := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { // a ServeMux would clean other paths
		if handle, ok := paths[r.URL.Path]; ok {
			handle(rw, r)
			return
		}
		w.see(rw, r)
	})
	if os.Getenv("WITNESS_PLAIN") != "" {
		log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "5000"), all))
	}
	if err := servers.Run(context.Background(), all); err != nil {
		log.Fatal(err)
	}
}

// see remembers a request whose body has come whole: no app acts on others.
func (w *witness) see(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.mu.Lock()
	w.seen = append(w.seen, request{r.Method, r.RequestURI, r.Host, r.Header, string(body), r.Trailer, r.RemoteAddr})
	w.mu.Unlock()
	fmt.Fprint(rw, "seen")
}

func (w *witness) tell(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = json.NewEncoder(rw).Encode(w.seen)
	if r.FormValue("forget") != "" {
		w.seen = nil
	}
}

// once counts a request before anything can happen to its answer.
func once(w http.ResponseWriter, r *http.Request) {
	note(r.URL.Query().Get("id"))
	fmt.Fprint(w, os.Getpid())
}

func hold(_ http.ResponseWriter, r *http.Request) {
	note("held")
	<-r.Context().Done()
	note("gone")
}

func socket(w http.ResponseWriter, _ *http.Request) {
	conn, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, early)
}

func bytes(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	for chunk := make([]byte, 32<<10); size > 0; size -= len(chunk) {
		if _, err := w.Write(chunk[:min(size, len(chunk))]); err != nil {
			return
		}
	}
}

// note adds a line to the log in one write, so that neither a kill nor another process tears it.
func note(line string) {
	file, err := os.OpenFile(os.Getenv("WITNESS_LOG"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(line + "\n"); err != nil {
		log.Fatal(err)
	}
}
