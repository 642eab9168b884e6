package serve

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oracleApp is the app of KESTREL.md.
func oracleApp(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/" || r.RequestURI == "*" || path == "":
		if allow(w, r, "GET") {
			text(w, "text/plain; charset=utf-8", "Hello, World!")
		}
	case path == "/json":
		if allow(w, r, "GET") {
			text(w, "application/json", `{"message":"Hello, World!"}`)
		}
	case path == "/len":
		if allow(w, r, "POST") {
			length(w, r)
		}
	case path == "/slow":
		slow(w, r)
	case path == "/bytes":
		n, _ := strconv.Atoi(r.FormValue("n"))
		for chunk := make([]byte, 64<<10); n > 0; n -= len(chunk) {
			w.Write(chunk[:min(n, len(chunk))])
		}
	case path == "/sse":
		if allow(w, r, "GET") {
			events(w, r)
		}
	case path == "/ws":
		echo(w, r)
	case path == "/env" || strings.HasPrefix(path, "/env/"):
		env(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if strings.EqualFold(r.Method, method) {
		return true
	}
	w.Header().Set("Allow", method)
	w.WriteHeader(http.StatusMethodNotAllowed)
	return false
}

func text(w http.ResponseWriter, kind, s string) {
	w.Header().Set("Content-Type", kind)
	io.WriteString(w, s)
}

func length(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err == nil {
		text(w, "text/plain; charset=utf-8", strconv.FormatInt(n, 10))
	}
}

func slow(w http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.FormValue("ms"))
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		text(w, "text/plain; charset=utf-8", fmt.Sprintf("slept %d", ms))
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 5 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
		select {
		case <-time.After(100 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

func env(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "method=%s\nscheme=http\nhost=%s\nremote=%s\npathbase=\npath=%s\n", r.Method, r.Host, r.RemoteAddr, r.URL.EscapedPath())
	query := r.URL.RawQuery
	if query != "" {
		query = "?" + query
	}
	fmt.Fprintf(w, "query=%s\nprotocol=%s\nraw=%s\nheader Host: %s\n", query, r.Proto, r.RequestURI, r.Host)
	for name, values := range r.Header {
		fmt.Fprintf(w, "header %s: %s\n", name, strings.Join(values, ","))
	}
	for _, coding := range r.TransferEncoding {
		fmt.Fprintf(w, "header Transfer-Encoding: %s\n", coding)
	}
}

// echo is a websocket of small frames.
func echo(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	upgrade := slices.ContainsFunc(strings.Split(r.Header.Get("Connection"), ","), func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), "upgrade")
	})
	if r.Method != "GET" || !upgrade || key == "" || r.ContentLength != 0 ||
		!strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Header.Get("Sec-WebSocket-Version") != "13" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	rw.Flush()
	for echoFrame(rw) {
		rw.Flush()
	}
	rw.Flush()
}

// echoFrame sends one frame back. It returns false after a close frame.
func echoFrame(rw *bufio.ReadWriter) bool {
	var head [2]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return false
	}
	if head[1]&0x80 == 0 { // not masked: protocol error
		rw.Write(binary.BigEndian.AppendUint16([]byte{0x88, 2}, 1002))
		return false
	}
	data := make([]byte, 4+int(head[1]&0x7f))
	if _, err := io.ReadFull(rw, data); err != nil {
		return false
	}
	mask, payload := data[:4], data[4:]
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	rw.Write([]byte{head[0], byte(len(payload))})
	rw.Write(payload)
	return head[0]&0xf != 8
}
