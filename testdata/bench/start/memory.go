package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// printMemory prints the resident memory of gorun and of its guard while a program runs.
func printMemory(gorun string) error {
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
	guard := child(sleep.Process.Pid)
	if guard == 0 {
		return fmt.Errorf("process %d has no guard", sleep.Process.Pid)
	}
	for _, p := range []struct {
		name string
		pid  int
	}{{"gorun", sleep.Process.Pid}, {"its guard", guard}} {
		rss, anon, err := resident(p.pid)
		if err != nil {
			return err
		}
		fmt.Printf("%s waits with %.1f MB resident, of which %.1f MB its own (RssAnon)\n", p.name, rss, anon)
	}
	return nil
}

// resident reads VmRSS and RssAnon of /proc/<pid>/status, in MB.
func resident(pid int) (rss, anon float64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
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
	return rss, anon, nil
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
