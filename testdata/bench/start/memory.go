package main

import (
	"bufio"
	"fmt"
	"os/exec"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
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
	guards := subject.Children(sleep.Process.Pid)
	if len(guards) == 0 {
		return fmt.Errorf("process %d has no guard", sleep.Process.Pid)
	}
	for _, p := range []struct {
		name string
		pid  int
	}{{"gorun", sleep.Process.Pid}, {"its guard", guards[0]}} {
		memory, err := subject.MemoryOf(p.pid)
		if err != nil {
			return err
		}
		fmt.Printf("%s waits with %.1f MB resident, of which %.1f MB its own (RssAnon)\n", p.name, float64(memory.Resident)/1024, float64(memory.Own)/1024)
	}
	return nil
}
