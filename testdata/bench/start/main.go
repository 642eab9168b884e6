// Command start measures what gorun adds to the start of a program, in whole processes: the built binary alone,
// gorun --no-build, gorun with nothing changed, and go run, interleaved, on this module's own gorun as the program.
// It prints medians in milliseconds and their distance and ratio to the bare binary, and what waiting costs in memory.
//
//	go run ./testdata/bench/start -n 31
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("n", 31, "how often each command is run")
	flag.Parse()
	if err := run(*rounds); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

func run(rounds int) error {
	dir, err := os.MkdirTemp("", "gorun-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	os.Setenv("GORUN_CACHE", filepath.Join(dir, "cache"))
	os.Setenv("GORUN_RUN_DIR", filepath.Join(dir, "run"))
	gorun := filepath.Join(dir, "gorun")
	build := exec.Command("go", "build", "-o", gorun, "./cmd/gorun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as gorun is released: a static binary starts sooner
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	path, err := exec.Command(gorun, "build", "./cmd/gorun").Output()
	if err != nil {
		return err
	}
	binary := strings.TrimSpace(string(path))
	commands := []struct {
		name string
		args []string
	}{
		{"the binary alone", []string{binary, "version"}},
		{"gorun --exec --no-build", []string{gorun, "--exec", "--no-build", "./cmd/gorun", "version"}},
		{"gorun --no-build", []string{gorun, "--no-build", "./cmd/gorun", "version"}},
		{"gorun, nothing changed", []string{gorun, "./cmd/gorun", "version"}},
		{"go run, nothing changed", []string{"go", "run", "./cmd/gorun", "version"}},
	}
	times := make([][]time.Duration, len(commands))
	for round := range rounds + 1 {
		for i, c := range commands {
			start := time.Now()
			if err := exec.Command(c.args[0], c.args[1:]...).Run(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first is a warm-up
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "start of a program, %d rounds\tmedian ms\tmin ms\tover bare ms\tratio\t\n", rounds)
	bare := median(times[0])
	for i, c := range commands {
		m := median(times[i])
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t\n", c.name, ms(m), ms(slices.Min(times[i])), ms(m-bare), float64(m)/float64(bare))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return memory(gorun)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// memory prints the resident memory of gorun and of its guard while a program runs.
func memory(gorun string) error {
	sleep := exec.Command(gorun, "--launch-settings", "testdata/bench/start/launchSettings.json")
	out, err := sleep.StdoutPipe()
	if err != nil {
		return err
	}
	if err := sleep.Start(); err != nil {
		return err
	}
	defer func() {
		_ = sleep.Process.Kill() // its tree goes with it
		_ = sleep.Wait()         // it was killed
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("the program did not start: %w", err)
	}
	for pid, name := sleep.Process.Pid, "gorun"; pid != 0 && name != ""; {
		rss, anon := resident(pid)
		fmt.Printf("%s waits with %.1f MB resident, of which %.1f MB its own (RssAnon)\n", name, rss, anon)
		if name = map[string]string{"gorun": "its guard"}[name]; name != "" {
			pid = child(pid)
		}
	}
	return nil
}

// resident reads RssAnon and VmRSS of /proc/<pid>/status, in MB.
func resident(pid int) (rss, anon float64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64) // 0 for lines of words
		switch fields[0] {
		case "VmRSS:":
			rss = kb / 1024
		case "RssAnon:":
			anon = kb / 1024
		}
	}
	return rss, anon
}

// child is the first child of a process, or 0.
func child(pid int) int {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0
	}
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if fields := strings.Fields(string(data)); err == nil && len(fields) > 0 {
			n, _ := strconv.Atoi(fields[0]) // the kernel writes numbers
			return n
		}
	}
	return 0
}
