// Command probe tells what it was given, for tests that compare it: it records its arguments, directory and environment
// in the file that PROBE_OUT names, says probe-stdout on stdout and probe-stderr on stderr, and ends with the code in
// PROBE_EXIT, or by raising the signal with the number in PROBE_KILL on itself.
//
// It is started hundreds of times in a row, so it imports little. It ends with 120 when it cannot do what it is told.
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
)

// record is the content of PROBE_OUT. A name that is set twice has the value that os.Getenv gives, the first one.
type record struct {
	Args []string          `json:"args"` // without the program's name; never null
	Dir  string            `json:"cwd"`
	Env  map[string]string `json:"env"`
}

func main() {
	if path := os.Getenv("PROBE_OUT"); path != "" {
		check(write(path))
	}
	os.Stdout.WriteString("probe-stdout\n")
	os.Stderr.WriteString("probe-stderr\n")
	if text := os.Getenv("PROBE_KILL"); text != "" {
		number, err := strconv.Atoi(text)
		check(err)
		check(raise(number))
	}
	if text := os.Getenv("PROBE_EXIT"); text != "" {
		code, err := strconv.Atoi(text)
		check(err)
		os.Exit(code)
	}
}

// write makes the record in one step: a test that sees the file sees all of it.
func write(path string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	r := record{Args: append([]string{}, os.Args[1:]...), Dir: dir, Env: map[string]string{}}
	for _, entry := range os.Environ() {
		// On Windows names such as =C: begin with the separator.
		if i := strings.IndexByte(entry[1:], '='); i >= 0 {
			r.Env[entry[:i+1]] = entry[i+2:]
		} else if entry[0] == '=' {
			r.Env[""] = entry[1:]
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	temp := path + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

func check(err error) {
	if err != nil {
		os.Stderr.WriteString("probe: " + err.Error() + "\n")
		os.Exit(120)
	}
}
