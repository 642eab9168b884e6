//go:build linux || darwin

package httpsys_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// owned answers with who it is, and with what of the request has come.
func owned(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d %v", name, r.Method, r.RequestURI, len(body), err)
		if len(body)%2 == 1 {
			http.NewResponseController(w).Flush()
		}
	}
}

// asked is a request and the answer that it must get.
type asked struct{ text, method, want string }

// next makes up a request for one of the owners.
func next(r *rand.Rand, host string, last bool) asked {
	owner := []string{"a", "b", "c"}[r.IntN(3)]
	target := fmt.Sprintf("/%s/%d", owner, r.IntN(1000))
	if r.IntN(8) == 0 {
		target = "http://" + host + target
	}
	size := r.IntN(3000)
	if r.IntN(8) == 0 {
		size += 100_000
	}
	body := strings.Repeat("x", size)
	method, fields := "POST", fmt.Sprintf("Content-Length: %d\r\n", size)
	switch r.IntN(4) {
	case 0:
		method, fields, body, size = "GET", "", "", 0
	case 1:
		method, fields, body, size = "HEAD", "", "", 0
	case 2:
		half := size / 2
		fields = "Transfer-Encoding: chunked\r\n"
		body = fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half+1, body[:half]+"y", size-half+1, body[half:]+"z")
		size += 2
	}
	if size > 0 && r.IntN(4) == 0 {
		fields += "Expect: 100-continue\r\n"
	}
	if last {
		fields += "Connection: close\r\n"
	}
	empty := strings.Repeat("\r\n", r.IntN(2)) // before a request some clients send one
	text := fmt.Sprintf("%s%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", empty, method, target, host, fields, body)
	return asked{text, method, fmt.Sprintf("%s %s %s %d <nil>", owner, method, target, size)}
}

// TestPipelines has the requests of one connection, sent without waiting, go to three apps: each is answered once, in its turn, by its
// owner.
func TestPipelines(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	first := runHandler(t, folder, "a", owned("a"), []string{"http://127.0.0.1:0/a"})
	runHandler(t, folder, "b", owned("b"), []string{"http://" + first.host() + "/b"})
	runHandler(t, folder, "c", owned("c"), []string{"http://" + first.host() + "/c"})
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			var all []asked
			var stream bytes.Buffer
			for n := 1 + r.IntN(30); n > 0; n-- {
				all = append(all, next(r, first.host(), n == 1))
				stream.WriteString(all[len(all)-1].text)
			}
			c := dial(t, first.host())
			pieces := seed%2 == 0
			go func() { // ends with the connection
				for stream.Len() > 0 {
					n := stream.Len()
					if pieces {
						n = 1 + r.IntN(4000)
					}
					if _, err := c.Write(stream.Next(n)); err != nil {
						return
					}
				}
			}()
			for i, q := range all {
				resp, err := http.ReadResponse(c.r, &http.Request{Method: q.method})
				for err == nil && resp.StatusCode == http.StatusContinue {
					resp, err = http.ReadResponse(c.r, &http.Request{Method: q.method})
				}
				if err != nil {
					t.Fatalf("%d of %d: %v", i, len(all), err)
				}
				body, err := io.ReadAll(resp.Body)
				if q.method == "HEAD" {
					q.want = ""
				}
				if err != nil || resp.StatusCode != 200 || string(body) != q.want {
					t.Fatalf("%d of %d: got %d %q (%v), want %q", i, len(all), resp.StatusCode, body, err, q.want)
				}
			}
			if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
				t.Errorf("%.100q comes behind the last answer", rest)
			}
		})
	}
}

// TestUpgraded: what comes on a connection that was taken over is nobody's request, and those before it are their owners'.
func TestUpgraded(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := runHandler(t, folder, "a", owned("a"), []string{"http://127.0.0.1:0/a"})
	runHandler(t, folder, "b", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		for range 3 {
			line, _ := rw.ReadString('\n')
			io.WriteString(c, "b got "+line)
		}
	}, []string{"http://" + a.host() + "/b"})
	c := dial(t, a.host())
	if _, body := c.get("/a/1"); body != "a GET /a/1 0 <nil>" {
		t.Errorf("got %q", body)
	}
	fmt.Fprintf(c, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nGET /a/2 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", resp, err)
	}
	if rest, _ := io.ReadAll(bufio.NewReader(c.r)); string(rest) != "b got GET /a/2 HTTP/1.1\r\nb got Host: x\r\nb got \r\n" {
		t.Errorf("got %q", rest)
	}
}
