package subject

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	const status = "Name:\tkestrel\nVmHWM:\t   20480 kB\nVmRSS:\t   12345 kB\nRssAnon:\t    2345 kB\nThreads:\t7\n"
	if got, err := parseStatus(status); got != (Memory{12345, 2345}) || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	for _, wrong := range []string{"Name:\tkthreadd\n", "VmRSS:\tmuch kB\n"} {
		if got, err := parseStatus(wrong); err == nil {
			t.Errorf("%q gives %d", wrong, got)
		}
	}
}

// TestProcesses looks at a child of this process.
func TestProcesses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc of Linux")
	}
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := Children(os.Getpid()); !slices.Contains(got, cmd.Process.Pid) {
		t.Errorf("the children are %v, without %d", got, cmd.Process.Pid)
	}
	if got, err := MemoryOf(cmd.Process.Pid); err != nil || got.Resident < got.Own || got.Resident == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got, err := MemoryOf(cmd.Process.Pid); err == nil {
		t.Errorf("got %+v of a process that has ended", got)
	}
}
