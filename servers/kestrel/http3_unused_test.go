package kestrel

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A program that does not serve HTTP/3 has nothing of it: it prints nothing, and has neither a goroutine nor a UDP socket. The
// program is this one again, because the other tests do serve it.
func TestHTTP3Unused(t *testing.T) {
	t.Parallel()
	if os.Getenv("HTTP3_UNUSED") != "" {
		serveWithoutHTTP3(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHTTP3Unused$", "-test.count=1")
	cmd.Env = append(os.Environ(), "HTTP3_UNUSED=1")
	out, err := cmd.CombinedOutput()
	if got := string(out); err != nil || !strings.HasPrefix(got, "served\nPASS\n") {
		t.Errorf("got %v\n%s", err, got)
	}
}

func serveWithoutHTTP3(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if stacks := http3Goroutines(); len(stacks) > 0 {
			t.Errorf("there are goroutines:\n%s", strings.Join(stacks, "\n\n"))
		}
		if sockets := udpSockets(t); sockets > 0 {
			t.Errorf("there are %d UDP sockets", sockets)
		}
		io.WriteString(w, "served")
	})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l, Binding{}) }()
	_, body := fetch(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: limit}, request(t, "GET", "http://"+l.Addr().String(), nil))
	fmt.Println(body)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-ended
}

// udpSockets counts those of this process, where the system shows them.
func udpSockets(t *testing.T) (n int) {
	table, err := os.ReadFile("/proc/self/net/udp")
	if err != nil {
		return 0 // not Linux
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		name, _ := os.Readlink("/proc/self/fd/" + f.Name())
		inode, isSocket := strings.CutPrefix(strings.TrimSuffix(name, "]"), "socket:[")
		if isSocket && strings.Contains(string(table), " "+inode+" ") {
			n++
		}
	}
	return n
}
