package kestrel

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// h2specInstall gives the tool that TestH2spec runs. Its later versions are not to be had as Go modules.
const h2specInstall = "go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// h2specDifferences are the cases in which net/http does not do what h2spec asks for, with the reason why that is safe.
var h2specDifferences = map[string]string{
	"http2/6.5.3/1":   "a frame that sets one thing twice: net/http hangs up, which is stricter than to take the last one",
	"http2/8.1.2.2/1": "a Connection field: net/http answers 400, not RST_STREAM, and the handler is not called either",
	"http2/8.1.2.2/2": "a TE field other than trailers: as above",
}

// Kestrel passes all cases of h2spec but one (reference: servers.md, 3.10).
func TestH2spec(t *testing.T) {
	t.Parallel()
	tool := findH2spec(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, strings.Repeat("Hello, World! ", 10))
	})
	for name, run := range map[string]struct {
		binding Binding
		flags   []string
	}{
		"h2c": {cleartext(), nil},
		"TLS": {secured(), []string{"--tls", "--insecure"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, port, err := net.SplitHostPort(listen(t, &Server{Handler: handler}, run.binding))
			if err != nil {
				t.Fatal(err)
			}
			report := filepath.Join(t.TempDir(), "report.xml")
			flags := append([]string{"--host", host, "--port", port, "--timeout", "3", "--junit-report", report}, run.flags...)
			out, err := exec.CommandContext(t.Context(), tool, flags...).CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
				t.Fatal(err)
			}
			if _, err := os.Stat(report); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			results := readH2spec(t, report)
			table := maps.Clone(h2specDifferences)
			compareH2spec(t, results, table)
			fmt.Printf("count: h2spec over %s: %d cases, %d passed, %d in the table\n", name, len(results), len(results)-len(table), len(table))
		})
	}
}

func findH2spec(t *testing.T) string {
	t.Helper()
	name := "h2spec"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if out, err := exec.Command("go", "env", "GOPATH").Output(); err == nil {
		path := filepath.Join(strings.TrimSpace(string(out)), "bin", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("GORUN_CI") != "" {
		t.Fatal("h2spec is missing: " + h2specInstall)
	}
	t.Skip("h2spec is missing: " + h2specInstall)
	return ""
}

// readH2spec gives how each case failed, empty for those that passed.
func readH2spec(t *testing.T, path string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *string   `xml:"failure"`
				Error   *string   `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	decoder := xml.NewDecoder(bytes.NewReader(content))
	decoder.Strict = false // what the server sent is in it as it came
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	for _, suite := range report.Suites {
		for i, c := range suite.Cases {
			id := fmt.Sprintf("%s/%d", c.Package, i+1)
			switch {
			case c.Failure != nil:
				results[id] = c.Class + "\n" + *c.Failure
			case c.Error != nil:
				results[id] = c.Class + "\n" + *c.Error
			case c.Skipped != nil:
				results[id] = c.Class + " was skipped"
			default:
				results[id] = ""
			}
		}
	}
	if len(results) < 140 {
		t.Errorf("only %d cases were run", len(results))
	}
	return results
}

// compareH2spec holds the results against the table.
func compareH2spec(t *testing.T, results, table map[string]string) {
	t.Helper()
	for id, failure := range results {
		switch reason := table[id]; {
		case failure != "" && reason == "":
			t.Errorf("%s: %s", id, failure)
		case failure == "" && reason != "":
			t.Errorf("%s passes, but the table says: %s", id, reason)
		}
	}
	for id := range table {
		if _, ok := results[id]; !ok {
			t.Errorf("%s is in the table, but is no case", id)
		}
	}
}
