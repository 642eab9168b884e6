//go:build linux || darwin

package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// TestBenchApp is the app of the benchmarks, in a process of its own. It is no test itself.
func TestBenchApp(t *testing.T) {
	where := os.Getenv("BROKER_BENCH")
	if where == "" {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the parent closes it, or ends
		stop()
	}()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})
	if where == "direct" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(l.Addr())
		server := &kestrel.Server{Handler: handler}
		go func() {
			<-ctx.Done()
			server.Close()
		}()
		if err := server.Serve(l, kestrel.Binding{}); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		return
	}
	server := &httpsys.Server{Handler: handler, Listens: []httpsys.Listen{{URL: "http://127.0.0.1:0/"}}, Getenv: func(name string) string {
		if name == wire.Variable {
			return where
		}
		return os.Getenv(name)
	}}
	if err := server.Serve(ctx, func(at []string) { fmt.Println(strings.Trim(strings.TrimPrefix(at[0], "http:"), "/")) }); err != nil {
		t.Error(err)
	}
}

// benchApp starts the app, and gives where it is reached.
func benchApp(b *testing.B, where string) (addr string, pid int) {
	b.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestBenchApp$")
	child.Env = append(os.Environ(), "BROKER_BENCH="+where)
	addr = begin(b, child)
	return addr, child.Process.Pid
}

// reportCPU measures what all processes together take of the processors for one operation: on a busy machine that is steadier
// than the time. It tells nothing where there is no /proc.
func reportCPU(b *testing.B, pids []int) (report func()) {
	before := ticks(pids)
	return func() {
		if before >= 0 {
			const tick = 10e6 // nanoseconds: USER_HZ is 100
			b.ReportMetric(float64(ticks(pids)-before)*tick/float64(b.N), "cpu-ns/op")
		}
	}
}

// ticks gives utime and stime of all (proc_pid_stat(5)).
func ticks(pids []int) (sum int) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return -1
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			sum += n
		}
	}
	return sum
}

// begin starts a child that says a line when it is ready, and ends when its stdin does.
func begin(t testing.TB, child *exec.Cmd) (line string) {
	t.Helper()
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	line, err = out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		rest, _ := io.ReadAll(out)
		if err := child.Wait(); err != nil {
			t.Errorf("%v\n%s", err, rest)
		}
	})
	return strings.TrimSpace(line)
}

// BenchmarkConnections has a connection for each request, and one for many: to an app that listens itself, and to the same one
// behind a broker, each process by itself. Compare them over several interleaved runs: -count 15.
func BenchmarkConnections(b *testing.B) {
	for _, way := range []string{"direct", "broker"} {
		b.Run(way, func(b *testing.B) {
			where, pids := way, []int{os.Getpid()}
			if way == "broker" {
				r, child := alone(b)
				where, pids = r.folder, append(pids, child.Process.Pid)
			}
			addr, pid := benchApp(b, where)
			pids = append(pids, pid)
			b.Run("each", func(b *testing.B) {
				defer reportCPU(b, pids)()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					r := bufio.NewReader(nil)
					for pb.Next() {
						if err := once(addr, r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
			b.Run("kept", func(b *testing.B) {
				defer reportCPU(b, pids)()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						b.Error(err)
						return
					}
					defer c.Close()
					r := bufio.NewReader(c)
					for pb.Next() {
						if err := exchange(c, r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		})
	}
}

func once(addr string, r *bufio.Reader) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.(*net.TCPConn).SetLinger(0) // or ports run out
	r.Reset(c)
	return exchange(c, r)
}

func exchange(c net.Conn, r *bufio.Reader) error {
	if _, err := io.WriteString(c, "GET /plaintext HTTP/1.1\r\nHost: localhost:5000\r\n\r\n"); err != nil {
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err = r.Discard(len("Hello, World!"))
			return err
		}
	}
}
