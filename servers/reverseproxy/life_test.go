package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/sockets"
)

// gone fails unless nothing is left of a front that has ended.
func (s *stage) gone(t *testing.T) {
	t.Helper()
	if pids := s.tree.PIDs(); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
	for _, e := range s.Endpoints() {
		for _, addr := range e.Addrs() {
			if holder, found, _ := sockets.Holder(addr); found {
				t.Errorf("%+v still has %s", holder, addr)
			}
		}
	}
}

func stop(t *testing.T, s *stage, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return s.Stop(ctx)
}

func TestStopLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, hello), func(c *Config, p *Public) {
			p.Endpoint = url(t, "https://localhost:0")
			c.Public = append(c.Public, *p)
		})
		folder, err := os.Stat(s.folder)
		if err != nil || folder.Mode().Perm() != 0o700 {
			t.Errorf("the folder is %v, %v", folder.Mode(), err)
		}
		key, err := os.Stat(filepath.Join(s.folder, "2.key"))
		if err != nil || key.Mode().Perm() != 0o600 {
			t.Errorf("the key is %v, %v", key.Mode(), err)
		}
		s.get(t, s.url(0))
		s.get(t, s.url(1))
		if err := stop(t, s, patience); err != nil {
			t.Fatal(explain(err))
		}
		s.gone(t)
		if err := s.Move(t.Context(), url(t, "http://127.0.0.1:1")); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a Move after the end: %v", err)
		}
	})
}

func TestStopFinishesRequests(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		begun, finish := make(chan struct{}), make(chan struct{})
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-finish
			fmt.Fprint(w, "complete")
		})
		s := play(t, program, app, nil)
		answer := make(chan string, 1)
		go func() {
			response, err := s.http.Get(s.url(0))
			if err != nil {
				answer <- err.Error()
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			answer <- fmt.Sprint(string(body), err)
		}()
		<-begun
		stopped := make(chan error, 1)
		go func() { stopped <- stop(t, s, patience) }()
		addr := s.Endpoints()[0].Addrs()[0]
		for { // until it accepts nothing more
			if _, found, _ := sockets.Holder(addr); !found {
				break
			}
			select {
			case err := <-stopped:
				t.Fatal("it stopped under a request: ", err)
			case <-time.After(2 * time.Millisecond):
			}
		}
		close(finish)
		if got := <-answer; got != "complete<nil>" {
			t.Errorf("got %s", got)
		}
		if err := <-stopped; err != nil {
			t.Error(explain(err))
		}
		s.gone(t)
	})
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, echoUpgraded), nil)
		conn, _ := upgrade(t, s)
		defer conn.Close()
		if err := stop(t, s, 200*time.Millisecond); err != nil {
			t.Fatal(explain(err))
		}
		s.gone(t)
	})
}

func TestEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, hello), nil)
		process, err := os.FindProcess(s.PID())
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		err = s.Wait()
		exit, ok := errors.AsType[*ExitError](err)
		if !ok || exit.Status.ExitCode() != 137 {
			t.Fatalf("got %v", err)
		}
		s.gone(t)
		s.dead = true
	})
}

// counted is an app that says who it is.
func counted(t *testing.T, name string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, name)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestMoveLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		const rounds = 4
		s := play(t, program, counted(t, "none").URL, func(c *Config, p *Public) {
			p.Endpoint = url(t, "https://localhost:0")
			c.Public = append(c.Public, *p)
		})
		load := newLoad(s)
		old := counted(t, "0")
		if err := s.Move(t.Context(), url(t, old.URL)); err != nil {
			t.Fatal(explain(err))
		}
		load.start(t)
		for round := 1; round <= rounds; round++ {
			name := fmt.Sprint(round)
			app := counted(t, name)
			if err := s.Move(t.Context(), url(t, app.URL)); err != nil {
				t.Fatal(explain(err))
			}
			old.Close() // nobody may need it any more
			old = app
			if _, body := s.get(t, s.url(0)); body != name {
				t.Errorf("after the move: got %q, want %q", body, name)
			}
			load.await(t)
		}
		load.stop()
		t.Logf("%d requests, %d of them answered by %d apps", load.sent.Load(), load.answered(), len(load.bodies))
		if len(load.errors) > 0 {
			t.Errorf("%d requests were lost, such as %v", len(load.errors), load.errors[0])
		}
		if load.bodies["none"] > 0 {
			t.Errorf("an app that was left before the load began was asked")
		}
	})
}

// load sends requests without end: over new connections, kept ones and HTTP/2.
type load struct {
	stage  *stage
	sent   atomic.Int64
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu     sync.Mutex
	bodies map[string]int
	errors []error
}

func newLoad(s *stage) *load { return &load{stage: s, bodies: map[string]int{}} }

func (l *load) start(t *testing.T) {
	l.ctx, l.cancel = context.WithCancel(t.Context())
	t.Cleanup(l.stop)
	single := l.stage.http.Transport.(*http.Transport).Clone()
	single.DisableKeepAlives = true
	for _, client := range []struct {
		transport    http.RoundTripper
		method, path string
	}{
		{single, "GET", l.stage.url(0)}, {single, "POST", l.stage.url(0)}, {single, "GET", l.stage.url(0)},
		{l.stage.http.Transport, "GET", l.stage.url(0)}, {l.stage.http.Transport, "GET", l.stage.url(1)},
	} {
		l.group.Go(func() {
			for l.ctx.Err() == nil {
				l.once(client.transport, client.method, client.path)
			}
		})
	}
}

func (l *load) once(transport http.RoundTripper, method, url string) {
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(strings.Repeat("x", 10000))
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	l.sent.Add(1)
	got, err := answer(transport, request)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errors = append(l.errors, fmt.Errorf("%s %s: %w", method, url, err))
		return
	}
	l.bodies[got]++
}

func answer(transport http.RoundTripper, request *http.Request) (string, error) {
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(body), err
}

// await waits for some more requests.
func (l *load) await(t *testing.T) {
	t.Helper()
	limit := time.After(patience)
	for target := l.sent.Load() + 50; l.sent.Load() < target; {
		select {
		case <-limit:
			t.Fatal("no request goes through")
		case <-time.After(time.Millisecond):
		}
	}
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

func (l *load) answered() (n int) {
	for _, count := range l.bodies {
		n += count
	}
	return n
}

func TestMoveTellsOfWhatDoesNotEnd(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, echoUpgraded), nil)
		conn, in := upgrade(t, s)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		moved := make(chan error, 1)
		go func() { moved <- s.Move(ctx, url(t, counted(t, "new").URL)) }()
		for { // new requests go to the new app while the old one keeps its WebSocket
			if body, err := answer(&http.Transport{DisableKeepAlives: true}, must(http.NewRequest("GET", s.url(0), nil))); err == nil && body == "new" {
				break
			}
			if t.Context().Err() != nil || ctx.Err() != nil {
				t.Fatal("the move has no effect")
			}
		}
		fmt.Fprint(conn, "still there\n")
		if line, err := in.ReadString('\n'); line != "still there\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		cancel()
		err := <-moved
		if draining, ok := errors.AsType[*DrainingError](err); err != nil && (!ok || len(draining.PIDs) == 0) && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		} else if err == nil {
			t.Error("the move is said to be complete")
		}
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestMoveToNowhere(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		s := play(t, program, serve(t, hello), nil)
		for _, bad := range []string{"https://127.0.0.1:5001", "http://127.0.0.1:0", "http://*:5001", "http://127.0.0.1:5001/base"} {
			if _, ok := errors.AsType[*EndpointError](s.Move(t.Context(), url(t, bad))); !ok {
				t.Errorf("%s is taken", bad)
			}
		}
		if _, body := s.get(t, s.url(0)); body != "hello" {
			t.Errorf("got %q", body)
		}
	})
}

func TestAppIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		app := counted(t, "back")
		address := app.Listener.Addr().String()
		app.Close()
		s := play(t, program, "http://"+address, nil)
		response, err := s.http.Get(s.url(0) + "/orders?secret=1")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 502 && response.StatusCode != 503 {
			t.Errorf("got %s", response.Status)
		}
		s.log.await(t, string(program.Kind)+": the app at "+address+" does not answer: ")
		if strings.Contains(s.log.String(), "secret") {
			t.Errorf("the log tells the query:\n%s", s.log)
		}

		// It is there with the next request, not after a while.
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Skip("somebody else has the port now: ", err)
		}
		back := &http.Server{Handler: http.HandlerFunc(hello)}
		defer back.Close()
		go func() { _ = back.Serve(listener) }()
		if _, body := s.get(t, s.url(0)); body != "hello" {
			t.Errorf("got %q", body)
		}
	})
}

func TestAppDies(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		app := serve(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		})
		s := play(t, program, app, nil)
		response, err := s.http.Post(s.url(0), "", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 502 {
			t.Errorf("got %s", response.Status)
		}
		s.log.await(t, "closed the connection without an answer")
	})
}

func TestPortTaken(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1")}
		c.Public = []Public{{Endpoint: url(t, "http://"+strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1))}}
		dir := t.TempDir()
		_, err = Start(t.Context(), c, Options{Dir: dir})
		taken, ok := errors.AsType[*PortInUseError](err)
		if !ok || taken.Holder.PID != os.Getpid() {
			t.Fatalf("got %v", err)
		}
		if details := taken.Details(); !strings.Contains(details[0], fmt.Sprintf("process %d ", os.Getpid())) {
			t.Errorf("got %q", details)
		}
		empty(t, dir)
	})
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

// TestPortTakenMeanwhile has the program find out by itself.
func TestPortTakenMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://"+listener.Addr().String())}}}
		f := prepare(t, c)
		err = f.run(t)
		if _, ok := errors.AsType[*PortInUseError](err); !ok {
			t.Errorf("got %v", err)
		}
	})
}

// prepare is a front that has not looked at anything before it starts.
func prepare(t *testing.T, c Config) *Front {
	t.Helper()
	folder, err := makeFolder(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	d := dialects[c.Program.Kind]
	return &Front{release: func() {}, config: c, folder: folder, dialect: d, lines: &lines{dialect: d}, done: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// run starts a front that cannot, and returns why.
func (f *Front) run(t *testing.T) error {
	t.Helper()
	f.config.Public = append(f.config.Public, Public{Endpoint: url(t, "http://127.0.0.1:1")}) // so that it is never ready
	if err := f.launch(); err != nil {
		t.Fatal(err)
	}
	return f.startError(f.awaitReady(t.Context()))
}

func TestConfigError(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		c := Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://127.0.0.1:2")}}}
		f := prepare(t, c)
		path := filepath.Join(f.folder, f.dialect.file())
		lines := strings.Split(c.Text(), "\n")
		lines[3] = "nonsense on;"
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		err := f.run(t)
		mistake, ok := errors.AsType[*ConfigError](err)
		if !ok || mistake.Line != 4 || !strings.Contains(mistake.Message, "nonsense") {
			t.Fatalf("got %#v", err)
		}
		// The line that is shown is that of the text as it was generated.
		if want := strings.Split(c.Text(), "\n")[3]; mistake.Text != want || !strings.Contains(mistake.Details()[0], ":4  ") {
			t.Errorf("got %q, %q", mistake.Text, mistake.Details())
		}
	})
}

func TestMissingModule(t *testing.T) {
	t.Parallel()
	program := installed(t, Apache)
	program.Modules = t.TempDir()
	dir := t.TempDir()
	_, err := Start(t.Context(), Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}, Options{Dir: dir})
	mistake, ok := errors.AsType[*ConfigError](err)
	if !ok || !strings.Contains(mistake.Hint(), "apache2-proxy") {
		t.Errorf("got %v", err)
	}
	empty(t, dir)
}

func TestBadCertificate(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		good, other := newCertificate(t), newCertificate(t)
		mixed := good
		mixed.PrivateKey = other.PrivateKey
		nothing := good
		nothing.Certificate = nil
		broken := good
		broken.Certificate = [][]byte{[]byte("no certificate")}
		for name, public := range map[string]Public{
			"none": {}, "another's key": {Certificate: &mixed}, "no chain": {Certificate: &nothing}, "broken": {Certificate: &broken},
		} {
			public.Endpoint = url(t, "https://localhost:0")
			dir := t.TempDir()
			_, err := Start(t.Context(), Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{public}}, Options{Dir: dir})
			if bad, ok := errors.AsType[*CertificateError](err); !ok || bad.Endpoint.Scheme != "https" {
				t.Errorf("%s: got %v", name, err)
			}
			empty(t, dir)
		}
	})
}

func TestCancelledStart(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		cancel(reason)
		dir := t.TempDir()
		front, err := Start(ctx, Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}, Options{Dir: dir})
		if !errors.Is(err, reason) {
			t.Errorf("got %v, %v", front, err)
		}
		empty(t, dir)
	})
}

// TestNeverReady has a program that does nothing in the place of nginx.
func TestNeverReady(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell script")
	}
	script := filepath.Join(t.TempDir(), "nginx")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 1000 & sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c := Config{Program: Program{Kind: Nginx, Path: script}, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}
	dir := t.TempDir()
	if front, err := Start(ctx, c, Options{Env: os.Environ(), Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", front, err)
	}
	empty(t, dir)
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	c := Config{Program: Program{Kind: Nginx, Path: filepath.Join(t.TempDir(), "nginx")}, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://localhost:0")}}}
	dir := t.TempDir()
	_, err := Start(t.Context(), c, Options{Dir: dir})
	if _, ok := errors.AsType[*process.StartError](err); !ok {
		t.Errorf("got %v", err)
	}
	empty(t, dir)
}

func TestTwoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		one := play(t, program, counted(t, "one").URL, nil)
		two := play(t, program, counted(t, "two").URL, nil)
		for s, want := range map[*stage]string{one: "one", two: "two"} {
			if _, body := s.get(t, s.url(0)); body != want {
				t.Errorf("got %q, want %q", body, want)
			}
		}
		if err := stop(t, one, patience); err != nil {
			t.Error(explain(err))
		}
		one.gone(t)
		if _, body := two.get(t, two.url(0)); body != "two" {
			t.Errorf("got %q", body)
		}
	})
}

func TestFolderWithSpaces(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		dir := filepath.Join(t.TempDir(), `π ≠ 3·14 "$x" 'y' {z}; #w %h ~ \`)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cert := newCertificate(t)
		c := Config{Program: program, App: url(t, serve(t, hello)), Public: []Public{{url(t, "https://localhost:0"), &cert}}}
		front, err := Start(t.Context(), c, Options{Env: os.Environ(), Dir: dir})
		if err != nil {
			t.Fatal(explain(err))
		}
		s := &stage{Front: front, dir: dir}
		if err := front.Move(t.Context(), url(t, counted(t, "moved").URL)); err != nil {
			t.Error(explain(err))
		}
		if err := stop(t, s, patience); err != nil {
			t.Error(explain(err))
		}
		s.gone(t)
	})
}

func TestWildcardIncludesOthers(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		port := must(freePort(url(t, "http://localhost:0").Addrs()[:1]))
		s := play(t, program, serve(t, hello), func(c *Config, _ *Public) {
			c.Public = nil
			for _, host := range []string{"localhost", "127.0.0.1", "*", "127.0.0.1"} {
				c.Public = append(c.Public, Public{Endpoint: url(t, fmt.Sprintf("http://%s:%d", host, port))})
			}
		})
		owned, err := sockets.Owned(s.tree.PIDs())
		owned = slices.DeleteFunc(owned, func(l sockets.Listener) bool { return l.Path != "" })
		if err == nil && len(owned) != 1 {
			t.Errorf("it listens at %v", owned)
		}
		s.get(t, fmt.Sprintf("http://127.0.0.1:%d/", port))
	})
}

func TestStaleSocket(t *testing.T) {
	t.Parallel()
	program := installed(t, Nginx)
	socket := filepath.Join(t.TempDir(), "web.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Skip("this folder's path is too long for a socket: ", err)
	}
	listener.SetUnlinkOnClose(false)
	c := Config{Program: program, App: url(t, "http://127.0.0.1:1"), Public: []Public{{Endpoint: url(t, "http://unix:"+socket)}}}
	if _, err := Start(t.Context(), c, Options{Dir: t.TempDir()}); !isInUse(err) {
		t.Errorf("somebody has it: got %v", err)
	}
	listener.Close()
	front, err := Start(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(explain(err))
	}
	if err := front.Stop(t.Context()); err != nil {
		t.Error(explain(err))
	}
	if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

func isInUse(err error) bool {
	_, ok := errors.AsType[*PortInUseError](err)
	return ok
}
