package module

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// witnessed is a request as testdata/apps/witness has seen it.
type witnessed struct {
	Method, Target, Host, Body string
	Fields, Trailer            http.Header
	Client                     string

	from string // the client, as the test knows it
}

// line is what two readers of a request must agree on.
func (r witnessed) line() string {
	return strings.Join([]string{r.Method, r.Target, r.Host, r.Body}, " | ")
}

// witnessBuilt is testdata/apps/witness, built once.
var witnessBuilt = sync.OnceValues(func() (string, error) {
	if _, err := built(); err != nil { // it makes the workshop
		return "", err
	}
	path := filepath.Join(workshop, "witness.exe")
	build := exec.Command("go", "build", "-o", path, "../../testdata/apps/witness")
	build.Stderr = os.Stderr
	return path, build.Run()
})

// witnesses are the servers that a request is passed on to: gorun's own, and two that know nothing of it.
var witnesses = []string{"servers", "net/http", "http.server"}

// startWitness runs a front for testdata/apps/witness on a server of witnesses. change may be nil.
func startWitness(t testing.TB, hosting Hosting, server string, change func(o *Options)) *world {
	t.Helper()
	path, err := witnessBuilt()
	if err != nil {
		t.Fatal(err)
	}
	python := ""
	if server == "http.server" {
		if python, err = exec.LookPath("python3"); err != nil {
			missing(t, "python3 is not installed")
		}
	}
	script, err := filepath.Abs("../../testdata/apps/witness/witness.py")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, hosting, func(o *Options) {
		log := "WITNESS_LOG=" + filepath.Join(o.Root, "witness.log")
		command(o, func(spec *process.Spec) error {
			spec.Path, spec.Env = path, append(spec.Env, log)
			switch server {
			case "net/http":
				spec.Env = append(spec.Env, "WITNESS_PLAIN=1")
			case "http.server":
				spec.Path, spec.Args = python, []string{script}
			}
			return nil
		})
		if change != nil {
			change(o)
		}
	})
}

// missing skips a test for want of something, which is a failure where everything is said to be installed.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GORUN_CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// seen gives what the witness has seen since it was asked last.
func (w *world) seen() []witnessed {
	w.t.Helper()
	var list []witnessed
	if err := json.Unmarshal([]byte(w.ok("/seen?forget=1")), &list); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// noted are the lines of the witness's log, in their order.
func (w *world) noted() []string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.options.Root, "witness.log"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// dial connects to the front.
func (w *world) dial() *net.TCPConn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.address())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// lines gives one line for each request.
func lines(list []witnessed) []string {
	var all []string
	for _, r := range list {
		all = append(all, r.line())
	}
	return slices.Clip(all)
}
