//go:build linux || darwin

package httpsys_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestSecondOwner: requests on connections whose TLS an app has ended, from the time when it owned the whole host, are answered by who
// owns them now, or their clients are told to connect anew.
func TestSecondOwner(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	begun, leave := make(chan struct{}), make(chan struct{})
	a := runHandler(t, folder, "a", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			http.NewResponseController(w).Flush()
			close(begun)
			<-leave
		}
		fmt.Fprint(w, "a ", r.URL.Path)
	}, []string{"https://127.0.0.1:0"})
	secure := func() *client {
		c := dial(t, a.host())
		s := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
		if err := s.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return &client{t, s, bufio.NewReader(s)}
	}
	relayed, upgraded := secure(), secure()
	relayed.want("/b/1", "a /b/1")
	upgraded.want("/b/1", "a /b/1")

	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	http2 := &http.Client{Transport: transport, Timeout: limit}
	long, err := http2.Get("https://" + a.host() + "/long")
	if err != nil {
		t.Fatal(err)
	}
	defer long.Body.Close()
	<-begun

	runHandler(t, folder, "b", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprint(w, "b ", r.URL.Path, " ", r.TLS != nil, " ", r.RemoteAddr)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		io.WriteString(c, line)
	}, []string{"https://" + a.host() + "/b"})

	relayed.want("/own", "a /own")
	relayed.want("/b/2", "b /2 true "+relayed.LocalAddr().String())
	if _, err := relayed.r.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on behind another's answer: %v", err)
	}
	fmt.Fprintf(upgraded, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	if resp, err := http.ReadResponse(upgraded.r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("got %v, %v", resp, err)
	}
	if line, err := upgraded.r.ReadString('\n'); line != "hello\n" {
		t.Errorf("got %q, %v", line, err)
	}

	for i, want := range []string{"", "b /3 true "} { // the first is told, the second comes anew
		resp, err := http2.Get("https://" + a.host() + "/b/3")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if i == 0 && (resp.StatusCode != http.StatusMisdirectedRequest || err != nil) {
			t.Errorf("got %d %q, %v, want 421", resp.StatusCode, body, err)
		}
		if i == 1 && (resp.StatusCode != 200 || len(body) < len(want) || string(body[:len(want)]) != want) {
			t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
		}
	}
	close(leave)
	if body, err := io.ReadAll(long.Body); string(body) != "a /long" || err != nil {
		t.Errorf("the stream that was running: got %q, %v", body, err)
	}
}
