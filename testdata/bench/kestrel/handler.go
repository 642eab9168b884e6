package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// handler is what both servers serve. It has no mux, so that as much as can be of each request is the server's work.
// The file is the one to be served at /file.
func handler(file string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "Hello, World!") // an error is the client's going away, which it counts itself
		case "/json":
			writeJSON(w)
		case "/echo":
			echo(w, r)
		case "/file":
			http.ServeFile(w, r, file)
		default:
			http.NotFound(w, r)
		}
	})
}

type message struct {
	Message string `json:"message"`
	Number  int    `json:"number"`
}

func writeJSON(w http.ResponseWriter) {
	text, err := json.Marshal(message{"Hello, World!", 42})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(body)
}

// servedFile is the name of the file that is served, in the bench's folder.
const servedFile = "file.txt"

// servedText is what stands in it: 100,000 bytes.
func servedText() []byte { return bytes.Repeat([]byte("0123456789abcdef01234567\n"), 4000) }
