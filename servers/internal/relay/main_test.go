package relay

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain looks for goroutines of this package that outlive the tests.
func TestMain(m *testing.M) {
	status := m.Run()
	left := goroutines()
	for until := time.Now().Add(testPatience); left != "" && time.Now().Before(until); left = goroutines() {
		time.Sleep(10 * time.Millisecond) // nothing tells that a goroutine has ended
	}
	if left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		status = 1
	}
	os.Exit(status)
}

// goroutines gives the stacks of those that run code of this package, other than this one.
func goroutines() string {
	b := make([]byte, 1<<20)
	var found []string
	for i, stack := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if i > 0 && strings.Contains(stack, "servers/internal/relay.") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
