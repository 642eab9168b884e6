package kestrel

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// A client that comes by TCP is told of HTTP/3, finds it on the same port, and gets the same answers there.
func TestAltSvc(t *testing.T) {
	t.Parallel()
	config, trust := http3Certificate()
	config.NextProtos = endpoint.HTTP1AndHTTP2AndHTTP3.ALPN()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })}
	l, packets := http3Pair(t)
	b := Binding{Protocols: endpoint.HTTP1AndHTTP2AndHTTP3, TLS: config, AltSvc: fmt.Sprintf(`h3=":%d"; ma=86400`, l.Addr().(*net.TCPAddr).Port)}
	ended := make(chan error, 2)
	go func() { ended <- s.Serve(l, b) }()
	go func() { ended <- s.ServePackets(packets, b) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
		<-ended
	})
	for _, c := range []struct {
		protocols []string
		want      string
	}{{[]string{"http/1.1"}, "HTTP/1.1"}, {[]string{"h2"}, "HTTP/2.0"}} {
		first := trust.Clone()
		first.NextProtos = c.protocols
		transport := &http.Transport{TLSClientConfig: first, ForceAttemptHTTP2: c.want == "HTTP/2.0"}
		defer transport.CloseIdleConnections()
		resp, body := fetch(t, &http.Client{Transport: transport, Timeout: limit}, request(t, "GET", "https://"+l.Addr().String(), nil))
		if body != c.want {
			t.Errorf("got %q, want %q", body, c.want)
		}
		if got := followAltSvc(t, resp, trust); got != "HTTP/3.0" {
			t.Errorf("there: %q", got)
		}
	}
}

var altSvcH3 = regexp.MustCompile(`^h3=":(\d+)"; ma=\d+$`)

// followAltSvc asks again where the response says that HTTP/3 is.
func followAltSvc(t *testing.T, resp *http.Response, trust *tls.Config) string {
	t.Helper()
	port := altSvcH3.FindStringSubmatch(resp.Header.Get("Alt-Svc"))
	if port == nil {
		t.Fatalf("%s: Alt-Svc is %q", resp.Proto, resp.Header.Get("Alt-Svc"))
	}
	transport := &h3.Transport{TLSClientConfig: trust.Clone()}
	defer transport.Close()
	_, body := fetch(t, &http.Client{Transport: transport, Timeout: limit},
		request(t, "GET", "https://"+net.JoinHostPort(resp.Request.URL.Hostname(), port[1]), nil))
	return body
}

// http3Pair opens a TCP and a UDP socket on one port.
func http3Pair(t *testing.T) (net.Listener, net.PacketConn) {
	t.Helper()
	for range 20 { // somebody else may have the port of the other kind
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp4", l.Addr().String())
		if err == nil {
			return l, packets
		}
		l.Close()
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

// An implementation that is not Go's fetches a page: ngtcp2 with GnuTLS.
func TestNgtcp2(t *testing.T) {
	t.Parallel()
	client, err := exec.LookPath("gtlsclient")
	if err != nil {
		if os.Getenv("GORUN_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("gtlsclient is not here: apt-get install ngtcp2-client")
	}
	page := strings.Repeat("a page for ngtcp2\n", 20_000)
	r := startHTTP3(t, &Server{ServerHeader: "gorun", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Content-Type", "application/octet-stream")
			io.Copy(w, r.Body)
			return
		}
		io.WriteString(w, page)
	})})
	t.Run("get", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		out := ngtcp2(t, client, r, "--download="+folder, "--no-http-dump")
		got, err := os.ReadFile(filepath.Join(folder, "page"))
		if err != nil || string(got) != page {
			t.Errorf("%d bytes, %v\n%s", len(got), err, out)
		}
		for _, want := range []string{"[:status: 200]", "[server: gorun]", "[content-type: text/plain; charset=utf-8]"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
	})
	t.Run("post", func(t *testing.T) {
		t.Parallel()
		data, folder := filepath.Join(t.TempDir(), "data"), t.TempDir()
		sent := bytes.Repeat([]byte{0, 1, 2, 255}, 100_000)
		if err := os.WriteFile(data, sent, 0o600); err != nil {
			t.Fatal(err)
		}
		out := ngtcp2(t, client, r, "--http-method=POST", "--data="+data, "--download="+folder, "--no-http-dump")
		if got, err := os.ReadFile(filepath.Join(folder, "page")); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes, %v\n%s", len(got), err, out)
		}
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		out := ngtcp2(t, client, r, "--nstreams=20", "--http-method=HEAD", "--no-http-dump")
		if got := strings.Count(out, "[:status: 200]"); got != 20 {
			t.Errorf("%d answers\n%s", got, out)
		}
	})
}

// ngtcp2 runs the client to its end and gives what it prints.
func ngtcp2(t *testing.T, client string, r *http3Running, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	args := append([]string{"--exit-on-all-streams-close", "--no-quic-dump", "--sni=example.com"}, flags...)
	out, err := exec.CommandContext(ctx, client, append(args, "127.0.0.1", fmt.Sprint(r.addr.Port), r.url+"/page")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// quic-go prints to the standard logger, which is the app's, when the system gives smaller buffers than it wants. The program
// under test is this one again: what is printed once in a process is printed by nobody else there.
func TestHTTP3PrintsNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("HTTP3_PRINTS") != "" {
		printHTTP3(t)
		return
	}
	for kind, want := range map[string]bool{"bare": true, "ours": false} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHTTP3PrintsNothing$", "-test.count=1")
		cmd.Env = append(os.Environ(), "HTTP3_PRINTS="+kind)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if printed := strings.Contains(string(out), "buffer size"); printed != want {
			t.Errorf("%s: printed is %t, want %t\n%s", kind, printed, want, out)
		}
	}
}

func printHTTP3(t *testing.T) {
	log.SetOutput(os.Stdout)
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	config, _ := http3Certificate()
	transport := &quic.Transport{Conn: &unknownBuffers{UDPConn: udp}}
	ours := os.Getenv("HTTP3_PRINTS") == "ours"
	if ours {
		transport.Conn = newQUICSocket(transport.Conn)
	}
	l, err := transport.Listen(h3.ConfigureTLSConfig(config), nil)
	if err == nil {
		l.Close()
		transport.Close()
	}
	if ours && err != nil {
		t.Fatal(err)
	}
}

// unknownBuffers is a socket whose buffers cannot be looked at, which quic-go takes as badly as small ones.
type unknownBuffers struct {
	*net.UDPConn
	set bool
}

func (c *unknownBuffers) SetWriteBuffer(n int) error {
	c.set = true
	return c.UDPConn.SetWriteBuffer(n)
}

func (c *unknownBuffers) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.UDPConn.SyscallConn()
	if c.set {
		return raw, err
	}
	return closedRaw{raw}, err
}

type closedRaw struct{ syscall.RawConn }

func (closedRaw) Control(func(uintptr)) error { return errors.New("not to be looked at") }
