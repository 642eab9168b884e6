package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// executable is a launchSettings.json with one Executable profile, called x, behind a front.
func executable(program, args, urls, server, module string) string {
	return fmt.Sprintf(`{
  "profiles": {
    "x": {
      "commandName": "Executable", "executablePath": %q, "commandLineArgs": %q, "applicationUrl": %q,
      "environmentVariables": { "MODE": "through" },
      "gorun": { "server": %q, "module": { %s } }
    }
  }
}`, program, args, urls, server, module)
}

// startWithTLS runs profile x on http and https, and gives a client that speaks HTTP/2 to the second.
func startWithTLS(t *testing.T, settings string) (f *fronted, https string) {
	t.Helper()
	s := newSite(t, settings, nil)
	s.env = append(s.env, "GORUN_DATA="+filepath.Join(s.root, "data"))
	f = s.start()
	https = f.await(event.EndpointReady, 2).URL
	if strings.HasPrefix(f.url, "https") {
		f.url, https = https, f.url
	}
	f.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	return f, https
}

// bothURLs are a front's addresses with and without TLS.
const bothURLs = "http://127.0.0.1:0;https://127.0.0.1:0"

// The sample apps behind the front, in both hosting models, with and without TLS. Out-of-process an app is reached by HTTP/1.1
// whatever the client speaks.
func TestFrontSampleApps(t *testing.T) {
	t.Parallel()
	for _, app := range []struct{ name, want, wantH2 string }{
		{"web", "Hello (Production)\n", "Hello (Production)\n"},
		{"three", "hello by HTTP/1.1\n", "hello by HTTP/2.0\n"},
		{"custom", "request 1 by module at HTTP/1.1\n", "request 2 by module at HTTP/2.0\n"},
	} {
		for _, hosting := range []string{"OutOfProcess", "InProcess"} {
			t.Run(app.name+" "+hosting, func(t *testing.T) {
				t.Parallel()
				f, https := startWithTLS(t, executable(sampleApp(t, app.name), "", bothURLs, "module", fmt.Sprintf(`"hostingModel": %q`, hosting)))
				if got := f.ok("/"); got != app.want {
					t.Errorf("got %q, want %q", got, app.want)
				}
				want := app.wantH2
				if hosting == "OutOfProcess" {
					want = strings.Replace(want, "HTTP/2.0", "HTTP/1.1", 1)
				}
				resp, err := f.client.Get(https)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if body, _ := io.ReadAll(resp.Body); string(body) != want || resp.ProtoMajor != 2 {
					t.Errorf("by https got %s %q, want %q", resp.Proto, body, want)
				}
				if strings.Contains(f.stderr.String(), "warning") || strings.Contains(f.stderr.String(), "WARN") {
					t.Errorf("it says:\n%s", f.stderr.String())
				}
			})
		}
	}
}

// gRPC cannot pass HTTP/1.1: its client is told so in its own words. In-process it reaches the app.
func TestFrontGRPC(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			f, https := startWithTLS(t, executable(sampleApp(t, "three"), "", bothURLs, "module", fmt.Sprintf(`"hostingModel": %q`, hosting)))
			r, _ := http.NewRequest(http.MethodPost, https+"/greet.Greeter/SayHello", strings.NewReader("\x00\x00\x00\x00\x00"))
			r.Header.Set("Content-Type", "application/grpc")
			r.Header.Set("Te", "trailers")
			resp, err := f.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			status, message := resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
			if hosting == "InProcess" {
				if string(body) != "hello by HTTP/2.0\n" || status != "" {
					t.Errorf("got %q %q", body, status)
				}
				return
			}
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/grpc" || status != "12" ||
				!strings.Contains(message, "gRPC needs HTTP/2 all the way") || !strings.Contains(message, "InProcess") {
				t.Errorf("got %s %v", resp.Status, resp.Header)
			}
		})
	}
}

// Servers that are no Go programs and get their port as an argument. What they do not know of is said, once.
func TestFrontOtherPrograms(t *testing.T) {
	t.Parallel()
	const node = `require('http').createServer((q, r) => r.end(q.method + ' ' + q.url + ' ' + process.env.MODE)).listen(process.argv[2], '127.0.0.1')`
	programs := []struct{ program, args, path, want string }{
		{"python3", "-m http.server --bind 127.0.0.1 %PORT%", "/page.txt", "of a file"},
		{"sh", `-c "exec python3 -m http.server --bind 127.0.0.1 $PORT"`, "/page.txt", "of a file"},
	}
	if _, err := exec.LookPath("node"); err == nil { // Python stands for all such programs where it is alone
		programs = append(programs, struct{ program, args, path, want string }{"node", "server.js %PORT%", "/a?b", "GET /a?b through"})
	}
	for _, c := range programs {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.program); err != nil {
				missing(t, c.program+" is not installed")
			}
			f := newSite(t, executable(c.program, c.args, "http://127.0.0.1:0", "module", `"shutdownTimeLimit": 5`),
				map[string]string{"page.txt": "of a file", "server.js": node}).start()
			if got := f.ok(c.path); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			f.says("does not say that it checks the front's token")
			f.ok("/")
			f.end()
			if n := strings.Count(f.stderr.String(), "front's token"); n != 1 {
				t.Errorf("that is said %d times", n)
			}
			if len(f.all(event.Killing)) != 0 {
				t.Error("it was killed, not stopped")
			}
		})
	}
}

// Real nginx and Apache in front of an app on net/http that only knows PORT. The app dies, and the next one answers.
func TestFrontRealProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ server, program string }{{"nginx", "nginx"}, {"apache", "apache2"}} {
		t.Run(c.server, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.program); err != nil {
				if _, err := os.Stat("/usr/sbin/" + c.program); err != nil {
					missing(t, c.server+" is not installed: apt install "+c.program)
				}
			}
			settings := strings.Replace(executable(sampleApp(t, "witness"), "", bothURLs, c.server, ""), `"MODE"`, `"WITNESS_PLAIN": "1", "MODE"`, 1)
			f, https := startWithTLS(t, settings)
			f.within("the app to answer", func() bool { status, _, err := f.get("/"); return err == nil && status == http.StatusOK })
			if got := f.ok("/env?name=GORUN_SERVER"); got != "kestrel" {
				t.Errorf("GORUN_SERVER is %q", got)
			}
			resp, err := f.client.Get(https + "/env?name=MODE")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); string(body) != "through" || resp.ProtoMajor != 2 {
				t.Errorf("by https got %s %q", resp.Proto, body)
			}
			conn, reader := f.upgrade()
			fmt.Fprint(conn, "through a WebSocket\n")
			if got, err := reader.ReadString('\n'); got != "through a WebSocket\n" {
				t.Errorf("got %q, %v", got, err)
			}
			f.dies()
		})
	}
}

// dies has the app killed from outside, and waits for the next one to answer.
func (f *fronted) dies() {
	f.t.Helper()
	app := f.await(event.ProcessReady, 1).PID
	process, err := os.FindProcess(app)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.await(event.ProcessReady, 2)
	f.within("the next app to answer", func() bool { status, _, err := f.get("/"); return err == nil && status == http.StatusOK })
}

// The front's address may be a unix socket. Its clients have no address, and nothing is told of one.
func TestFrontUnixSocket(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			folder, err := os.MkdirTemp("", "gorun-test-") // a short name: the path of a socket has at most 107 bytes
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(folder) })
			socket := filepath.Join(folder, "app.sock")
			f := newSite(t, executable(sampleApp(t, "witness"), "", "http://unix:"+socket, "module", fmt.Sprintf(`"hostingModel": %q`, hosting)), nil).start()
			f.url = "http://front"
			f.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			}}
			if got := f.ok("/env?name=MODE"); got != "through" {
				t.Errorf("got %q", got)
			}
			if got := f.ok("/"); got != "seen" {
				t.Errorf("got %q", got)
			}
			if seen := f.ok("/seen"); strings.Contains(seen, "X-Forwarded-For") || !strings.Contains(seen, `"host":"front"`) {
				t.Errorf("the app has seen %s", seen)
			}
			f.end()
			if _, err := os.Stat(socket); !os.IsNotExist(err) {
				t.Errorf("the socket is left: %v", err)
			}
		})
	}
}
