package subject

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory is what a process has resident, in kB.
type Memory struct {
	Resident int // VmRSS
	Own      int // RssAnon: without pages of files, which processes share
}

// Add gives the memory of two processes.
func (m Memory) Add(n Memory) Memory { return Memory{m.Resident + n.Resident, m.Own + n.Own} }

// MemoryOf reads the memory of a process, on Linux alone.
func MemoryOf(pid int) (Memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseStatus(string(data))
}

// parseStatus reads VmRSS and RssAnon of /proc/<pid>/status.
func parseStatus(text string) (m Memory, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		switch fields[0] {
		case "VmRSS:":
			m.Resident, err = strconv.Atoi(fields[1])
		case "RssAnon:":
			m.Own, err = strconv.Atoi(fields[1])
		}
		if err != nil {
			return Memory{}, err
		}
	}
	if m.Resident == 0 {
		return Memory{}, errors.New("the process has no resident memory")
	}
	return m, nil
}

// Children are the processes that a process has started, in their order, on Linux alone.
func Children(pid int) (pids []int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil // the pattern is well-formed
	}
	for _, task := range tasks {
		data, _ := os.ReadFile(task) // a thread that has ended has none
		for field := range strings.FieldsSeq(string(data)) {
			if n, err := strconv.Atoi(field); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
