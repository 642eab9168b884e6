package module

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
)

// fixed has the app's environment name its private port.
func fixed(port string) string { return "ASPNETCORE_PORT=" + port }

// P1: the port that a user chooses is used.
func TestP1_FixedPort(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	w := start(t, OutOfProcess, nil, fixed(port))
	if got := w.ok("/env?name=ASPNETCORE_PORT"); got != port {
		t.Errorf("the app was given %q, want %q", got, port)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// freePort is one of those that the module takes, on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	for port := 23000; port < 24000; port++ {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			l.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no port is free")
	return ""
}

// P2: an empty one is none.
func TestP2_EmptyPort(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, nil, fixed(""))
	port, err := strconv.Atoi(w.ok("/env?name=ASPNETCORE_PORT"))
	if err != nil || port < 1025 || port > 48000 {
		t.Errorf("the app was given %d, %v", port, err)
	}
}

// P3: one that cannot be meant is a 502 with the place of the setting.
func TestP3_InvalidPort(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"1024", "48001", "noninteger"} {
		w := start(t, OutOfProcess, func(o *Options) {
			o.App.Shown = map[string]Shown{"ASPNETCORE_PORT": {"", "launchSettings.json:9:20"}}
		}, fixed(port))
		w.get("/").has(t, "HTTP Error 502.5", "ASPNETCORE_PORT", "launchSettings.json:9:20")
	}
}

// M1, M4: many fronts whose first requests come at once have apps of their own, and no two want the same port.
func TestM1_M4_ManyFrontsAtOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		fronts := make([]*world, 10)
		for i := range fronts {
			fronts[i] = start(t, hosting, nil)
		}
		pids := make([]string, len(fronts))
		var asking sync.WaitGroup
		for i, w := range fronts {
			asking.Go(func() {
				a, err := w.try("/pid")
				if err != nil || a.status != 200 {
					t.Errorf("front %d: %+v, %v", i, a, err)
				}
				pids[i] = a.body
			})
		}
		asking.Wait()
		seen := map[string]bool{}
		for _, pid := range pids {
			if seen[pid] {
				t.Errorf("process %s answers twice", pid)
			}
			seen[pid] = true
		}
	})
}
