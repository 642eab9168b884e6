package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// outcome is what one case got from our server.
type outcome struct {
	responses []gotResponse
	rest      []byte // what is no response
	closed    bool
	after     time.Duration
}

type gotResponse struct {
	status int
	header http.Header
	http10 bool
	body   []byte
	cut    bool
}

// play sends one case's bytes and reads what comes.
func play(t *testing.T, addr string, c *oracleCase) outcome {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return outcome{}
	}
	defer conn.Close()
	began := time.Now()
	var mu sync.Mutex
	var got []byte
	last := began
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			mu.Lock()
			got, last = append(got, buf[:n]...), time.Now()
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	isClosed := send(conn, c, ended)
	quiet := 1500 * time.Millisecond
	if c.WaitMS != 0 {
		quiet = time.Duration(c.WaitMS) * time.Millisecond
	}
	mu.Lock()
	last = time.Now()
	mu.Unlock()
	for !isClosed {
		mu.Lock()
		left := quiet - time.Since(last)
		mu.Unlock()
		if left <= 0 {
			break
		}
		select {
		case <-ended:
			isClosed = true
		case <-time.After(left):
		}
	}
	o := outcome{closed: isClosed, after: time.Since(began)}
	mu.Lock()
	defer mu.Unlock()
	o.parse(c, got)
	return o
}

// send plays the steps, and reports whether the server has closed meanwhile.
func send(conn net.Conn, c *oracleCase, ended chan struct{}) bool {
	for _, s := range c.Steps {
		conn.Write(s.Send)
		if s.ShutdownWrite {
			conn.(*net.TCPConn).CloseWrite()
		}
		select {
		case <-ended:
			return true
		case <-time.After(time.Duration(s.PauseMS) * time.Millisecond):
		}
	}
	return false
}

func (o *outcome) parse(c *oracleCase, got []byte) {
	r := bufio.NewReader(bytes.NewReader(got))
	for finals := 0; ; {
		if head, _ := r.Peek(5); string(head) != "HTTP/" {
			o.rest, _ = io.ReadAll(r)
			return
		}
		method := "GET"
		if slices.Contains(c.Head, finals) {
			method = "HEAD"
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			o.rest = fmt.Appendf(nil, "unreadable: %v", err)
			return
		}
		g := gotResponse{status: res.StatusCode, header: res.Header, http10: res.ProtoMinor == 0}
		if res.StatusCode == http.StatusSwitchingProtocols {
			g.body, _ = io.ReadAll(r)
			o.responses = append(o.responses, g)
			return
		}
		g.body, err = io.ReadAll(res.Body)
		g.cut = err != nil
		g.header["Connection"] = res.Header["Connection"]
		if res.Close && !g.http10 {
			g.header["Connection"] = []string{"close"}
		}
		o.responses = append(o.responses, g)
		if res.StatusCode >= 200 {
			finals++
		}
	}
}
