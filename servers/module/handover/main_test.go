//go:build linux || darwin

package handover

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary plays the apps that know sd_listen_fds(3) and nothing of package servers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], "as:"); ok {
			syscall.Exit(play(role))
		}
	}
	os.Exit(m.Run())
}

func play(role string) int {
	listeners, err := inherited()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	switch role {
	case "plain": // a program of net/http alone
		return playPlain(listeners)
	case "blocking": // a program that relies on accept(2) to wait
		return playBlocking()
	case "crash": // takes one connection with it
		if _, err := listeners[0].Accept(); err != nil {
			return 2
		}
		return 3
	case "shutdown": // ends as some runtimes do
		for i := range listeners {
			_ = unix.Shutdown(3+i, unix.SHUT_RDWR)
		}
		return 0
	case "deaf":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		return 0
	}
	return 99
}

// inherited follows sd_listen_fds(3).
func inherited() ([]net.Listener, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, fmt.Errorf("LISTEN_PID is %q in process %d", os.Getenv("LISTEN_PID"), os.Getpid())
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil {
		return nil, err
	}
	var list []net.Listener
	for fd := 3; fd < 3+n; fd++ {
		if mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || mode&unix.O_NONBLOCK != 0 && os.Args[1] != "as:plain" {
			return nil, fmt.Errorf("descriptor %d: flags %#x, %v", fd, mode, err)
		}
		if os.Args[1] == "as:blocking" { // which the runtime's listener would change
			continue
		}
		copied, err := unix.Dup(fd)
		if err != nil {
			return nil, err
		}
		l, err := net.FileListener(os.NewFile(uintptr(copied), "inherited"))
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

func playPlain(listeners []net.Listener) int {
	ended := make(chan error)
	for _, l := range listeners {
		go func() {
			ended <- http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close")
				fmt.Fprintf(w, "plain %d", os.Getpid())
			}))
		}()
	}
	<-ended
	return 2
}

func playBlocking() int {
	for {
		fd, _, err := unix.Accept(3)
		if err != nil {
			fmt.Fprintln(os.Stderr, "accept:", err)
			return 2
		}
		conn := os.NewFile(uintptr(fd), "connection")
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nblocking")
		}
		conn.Close()
	}
}
