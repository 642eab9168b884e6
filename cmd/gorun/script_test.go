package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gorun-dev/gorun/internal/cli"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// The test binary is gorun in the scripts, and the guard of what it starts.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"gorun": func() { os.Exit(cli.Main()) }})
}

// tidy takes away what the tests share when they have run.
type tidy struct{ *testing.M }

func (t tidy) Run() int {
	status := t.M.Run()
	if workshop != "" {
		_ = os.RemoveAll(workshop) // the next run makes its own
	}
	return status
}

// TestScripts runs testdata/script: one script for each command and each message.
func TestScripts(t *testing.T) {
	t.Parallel()
	goEnv := goEnvironment(t)
	apps, err := filepath.Abs(filepath.Join("..", "..", "testdata", "apps"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORUN_CACHE", filepath.Join(env.WorkDir, ".gorun", "cache"))
			env.Setenv("GORUN_RUN_DIR", filepath.Join(env.WorkDir, ".gorun", "run"))
			env.Setenv("GORUN_DATA", filepath.Join(env.WorkDir, ".gorun", "data"))
			env.Setenv("APPS", apps)
			env.Setenv("GOFLAGS", "")
			env.Setenv("NO_COLOR", "")
			for name, value := range goEnv {
				env.Setenv(name, value)
			}
			return ownBroker(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfor":  waitFor,
			"get":      get,
			"again":    again,
			"freeport": freePort,
			"serve":    serve,
		},
		Condition: func(cond string) (bool, error) {
			if tool, ok := strings.CutPrefix(cond, "tool:"); ok {
				_, err := exec.LookPath(tool)
				if err != nil && os.Getenv("GORUN_CI") != "" {
					return false, fmt.Errorf("%s is not installed", tool)
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// ownBroker gives a script a folder for a broker, with a path that has room for a socket, and ends the broker with the script.
func ownBroker(env *testscript.Env) error {
	parent, err := os.MkdirTemp("", "gorun")
	if err != nil {
		return err
	}
	folder := filepath.Join(parent, "b")
	env.Setenv("GORUN_HTTPSYS", folder)
	env.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if client, err := broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool}); err == nil {
			_ = client.Stop(ctx)
			_ = client.Close()
		}
		_ = os.RemoveAll(parent)
	})
	return nil
}

// goEnvironment are the caches of Go, which do not lie below the HOME that a script has.
func goEnvironment(t *testing.T) map[string]string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT", "GOPROXY"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(string(out), "\n")
	env := map[string]string{}
	for i, name := range names {
		env[name] = values[i]
	}
	delete(env, "GOROOT")
	return env
}

// patience is how long a script waits for something that must come.
const patience = 60 * time.Second

// waitFor FILE PATTERN waits until a file has a match of the pattern, and sets the variable MATCH to its last group.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE PATTERN")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if m := pattern.FindStringSubmatch(string(data)); err == nil && m != nil {
			ts.Setenv("MATCH", m[len(m)-1])
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has no %q after %v: %s", args[0], args[1], patience, data)
		}
	}
}

// get URL PATTERN makes one HTTP request, whose body must match.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get URL PATTERN")
	}
	response, err := http.Get(args[0])
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if !regexp.MustCompile(args[1]).Match(body) {
		ts.Fatalf("%s answers %q", args[0], body)
	}
}

// again URL PATTERN makes HTTP requests until the body of one matches.
func again(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: again URL PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var body []byte
		response, err := http.Get(args[0])
		if err == nil {
			body, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil && pattern.Match(body) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s answers %q, %v", args[0], body, err)
		}
	}
}

// freePort NAME sets a variable to a port that nobody listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "localhost:0")
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// serve NAME listens on a port until the script ends, and sets the variable to it.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
}
