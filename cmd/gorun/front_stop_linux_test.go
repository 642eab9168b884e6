package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// behindSite has testdata/apps/behind behind the front, with variables.
func behindSite(t testing.TB, hosting, module, variables string) *site {
	t.Helper()
	return newSite(t, express(hosting, fmt.Sprintf(`"processPath": %q, "environmentVariables": { %s }, %s`,
		sampleApp(t, "behind"), variables, module), ""), nil)
}

// uploaded is large enough for the front to pass on what there is of it.
const uploaded = 20_000

// upload begins to send a body of that size, and returns when the app has some of it.
func (f *fronted) upload() (net.Conn, *bufio.Reader) {
	f.t.Helper()
	conn := f.dial()
	fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: front\r\nContent-Length: %d\r\n\r\n01234", uploaded)
	reader := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 200 OK", "", "01234"} { // the echo of the first half
		f.reads(reader, want)
	}
	return conn, reader
}

// reads reads to the end of a line or, where that is no head, to the bytes that are wanted.
func (f *fronted) reads(reader *bufio.Reader, want string) {
	f.t.Helper()
	var got string
	for !strings.HasSuffix(got, want+"\r\n") && (want == "" || !strings.HasSuffix(got, want)) {
		b, err := reader.ReadByte()
		if err != nil {
			f.t.Fatalf("got %q, %v", got, err)
		}
		got += string(b)
	}
}

// The app never gets ready, and a request waits for it: Ctrl+C ends all at once.
func TestFrontInterruptedWhileStarting(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			f := behindSite(t, hosting, `"shutdownTimeLimit": 60`, `"BEHIND_HANG": "1"`).start()
			conn := f.dial()
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: front\r\n\r\n")
			f.await(event.ProcessStarted, 1)
			began := time.Now()
			f.signal(syscall.SIGINT)
			f.exits(0)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			f.nothingIsLeft()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil && resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("who waited got %s", resp.Status)
			}
		})
	}
}

// Ctrl+C while a client uploads: it may finish, and gorun ends then.
func TestFrontInterruptedWhileUploading(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			f := behindSite(t, hosting, `"shutdownTimeLimit": 60`, "").start()
			conn, reader := f.upload()
			f.signal(syscall.SIGINT)
			f.says("Ctrl+C again kills it")
			f.await(event.Stopping, 2) // of gorun, and of the app
			fmt.Fprint(conn, strings.Repeat("x", uploaded-len("01234")))
			f.reads(reader, "done")
			f.exits(0)
			f.nothingIsLeft()
		})
	}
}

// The second Ctrl+C waits for nobody.
func TestFrontInterruptedTwice(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		for _, variables := range []string{"", `"BEHIND_IGNORE_STOP": "1", "BEHIND_CHILD": "1"`} {
			t.Run(hosting+variables, func(t *testing.T) {
				t.Parallel()
				f := behindSite(t, hosting, `"shutdownTimeLimit": 600`, variables).start()
				conn, reader := f.upload()
				f.signal(syscall.SIGINT)
				f.says("Ctrl+C again kills it")
				time.Sleep(60 * time.Millisecond) // two closer ones are one press
				f.signal(syscall.SIGINT)
				f.exits(0)
				f.nothingIsLeft()
				if rest, _ := io.ReadAll(reader); strings.Contains(string(rest), "done") {
					t.Errorf("the client got %q", rest)
				}
				conn.Close()
				if n := strings.Count(f.stderr.String(), "killing"); n != 1 {
					t.Errorf("it is said %d times", n)
				}
			})
		}
	}
}

// However gorun ends, nothing of the app is left, and the public address is free again.
func TestFrontKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		for _, victim := range []string{"gorun", "guard"} {
			t.Run(hosting+" "+victim, func(t *testing.T) {
				t.Parallel()
				f := behindSite(t, hosting, `"preload": true, "shutdownTimeLimit": 1`, `"BEHIND_IGNORE_STOP": "1", "BEHIND_CHILD": "1"`).start()
				app := f.await(event.ProcessReady, 1).PID
				guard := parent(t, fmt.Sprint(app))
				if victim == "gorun" {
					f.signal(syscall.SIGKILL)
					<-f.ended
				} else if err := syscall.Kill(guard, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				f.within("the app to be gone", func() bool { return !alive(fmt.Sprint(app)) })
				if victim == "gorun" {
					f.within("the guard to be gone", func() bool { return !alive(fmt.Sprint(guard)) })
					f.within("the address to be free", func() bool {
						l, err := net.Listen("tcp", strings.TrimPrefix(f.url, "http://"))
						if err != nil {
							return false
						}
						return l.Close() == nil
					})
				} else if guard != os.Getpid() && guard != f.cmd.Process.Pid { // the front goes on, with another guard
					f.within("the next process to answer", func() bool {
						status, body, err := f.get("/")
						return err == nil && status == http.StatusOK && body == "behind"
					})
				}
			})
		}
	}
}
