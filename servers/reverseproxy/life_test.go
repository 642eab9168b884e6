package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
