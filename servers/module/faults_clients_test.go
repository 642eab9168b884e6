package module

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// A client that ends its side behind a request gets its answer, by the app as by the front. Where the front passes requests on and
// the app takes its time, such a client counts as gone, as with Kestrel and nginx: 400. It is never kept waiting, nor cut off within
// an answer.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil)
		for name, c := range map[string]struct{ method, sent, want string }{
			"a GET":                 {http.MethodGet, "GET / HTTP/1.1\r\nHost: front\r\n\r\n", "behind"},
			"a body":                {http.MethodPost, "POST /count HTTP/1.1\r\nHost: front\r\nContent-Length: 5\r\n\r\nabcde", "5"},
			"chunks":                {http.MethodPost, "POST /count HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", "5"},
			"a body that ends soon": {http.MethodPost, "POST /count HTTP/1.1\r\nHost: front\r\nContent-Length: 5\r\n\r\nabc", ""},
		} {
			conn := w.dial()
			w.send(conn, c.sent)
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(conn)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			isWhole := c.want != "" && strings.HasPrefix(string(text), "HTTP/1.1 200") && strings.HasSuffix(string(text), c.want)
			isGone := len(text) == 0 || strings.HasPrefix(string(text), "HTTP/1.1 400")
			if !isWhole && (hosting == InProcess && c.want != "" || !isGone) {
				t.Errorf("%s: got %q", name, text)
			}
			conn.Close()
		}
	})
}

// Clients that send a byte now and then, and clients that do not read, hold up nobody: neither others nor the stop.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { o.App.Backend.ShutdownTimeLimit = 500 * time.Millisecond })
		n := full(20, 200)
		for range n {
			conn := w.dial()
			w.send(conn, "GET /bytes?size=1000000000 HTTP/1.1\r\nHost: front\r\n\r\n")
			if status, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); !strings.Contains(status, "200") {
				t.Fatalf("got %q, %v", status, err)
			}
		}
		for range n {
			conn := w.dial()
			w.send(conn, "POST /count HTTP/1.1\r\nHost: front\r\nContent-Length: 100\r\n\r\na")
		}
		conn := w.dial()
		w.send(conn, "POST /count HTTP/1.1\r\nHost: front\r\nContent-Length: 10\r\n\r\n")
		for i := range 10 {
			w.send(conn, fmt.Sprint(i))
			if got := w.ok("/"); got != "behind" { // between any two bytes others are served
				t.Errorf("got %q", got)
			}
		}
		if err := w.status(conn, http.MethodPost); err != nil {
			t.Error(err)
		}
		t.Logf("count: %d clients that do not read, %d that do not send", n, n)
		w.close()
		if list := w.all(event.ProcessExited); len(list) != 1 {
			t.Errorf("%d processes have ended", len(list))
		}
	})
}
