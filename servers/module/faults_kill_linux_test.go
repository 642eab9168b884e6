package module

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// tally is what clients have sent to /once and how it was answered.
type tally struct {
	turns    []atomic.Int64 // of each client: how many answers it has had
	next     atomic.Int64
	mu       sync.Mutex
	answered map[string]int // by id: the status, 0 for a connection that broke
	posted   map[string]bool
}

// clients ask for /once, half of them by POST, until the function that it returns is called.
func (y *tally) clients(w *world, n int) (end func()) {
	y.answered, y.posted, y.turns = map[string]int{}, map[string]bool{}, make([]atomic.Int64, n)
	var done atomic.Bool
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for !done.Load() {
				y.ask(w, []string{http.MethodGet, http.MethodPost}[i%2])
				y.turns[i].Add(1)
			}
		})
	}
	return func() {
		done.Store(true)
		wg.Wait()
	}
}

func (y *tally) ask(w *world, method string) {
	id := strconv.FormatInt(y.next.Add(1), 10)
	r, err := http.NewRequest(method, w.URLs()[0]+"/once?id="+id, nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	a, _ := w.do(r) // status 0 when it fails
	y.mu.Lock()
	defer y.mu.Unlock()
	y.answered[id], y.posted[id] = a.status, method == http.MethodPost
}

// goOn waits until the n-th process is there and every client has had an answer since: so no request meets two kills.
func (y *tally) goOn(w *world, n int) {
	w.t.Helper()
	w.await(event.ProcessReady, n)
	for i := range y.turns {
		before := y.turns[i].Load()
		for deadline := time.Now().Add(patience); y.turns[i].Load() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				w.t.Fatalf("client %d gets no answer", i)
			}
		}
	}
}

// kill kills the n-th process of the app.
func (w *world) kill(n int) {
	w.t.Helper()
	pid := w.await(event.ProcessReady, n).PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	w.await(event.ProcessExited, n)
}

// freeze stops a process, and waits until none of its threads runs.
func (w *world) freeze(pid int) {
	w.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			w.t.Fatal(err)
		}
		if len(stats) > 0 && !slices.ContainsFunc(stats, isRunning) {
			return
		}
	}
	w.t.Fatal("the process does not stop")
}

// isRunning reads the stat of a thread.
func isRunning(path string) bool {
	stat, err := os.ReadFile(path)
	return err == nil && !strings.Contains(string(stat), ") T ")
}

// Processes are killed at random under load. What may be done twice is answered, always. What may not is done at most once, and
// answered with 502.3 where nobody can know whether it was done.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	w := startWitness(t, OutOfProcess, "servers", func(o *Options) { o.App.Backend.RapidFailsPerMinute = -1 })
	w.ok("/")
	var y tally
	end := y.clients(w, 8)
	kills := full(10, 60)
	for i := range kills {
		y.goOn(w, i+1)
		time.Sleep(rand.N(30 * time.Millisecond)) // at random, not for anything
		w.kill(i + 1)
	}
	end()
	done := map[string]int{}
	for _, id := range w.noted() {
		done[id]++
	}
	var repeated, unknown, unseen int
	for id, status := range y.answered {
		switch n := done[id]; {
		case !y.posted[id]:
			if status != http.StatusOK || n == 0 {
				t.Errorf("GET %s: status %d, seen %d times", id, status, n)
			}
			repeated += max(n-1, 0)
		case status == http.StatusOK && n != 1, n > 1:
			t.Errorf("POST %s: status %d, done %d times", id, status, n)
		case status == http.StatusBadGateway:
			unknown++
			if n == 0 {
				unseen++
			}
		case status != http.StatusOK:
			t.Errorf("POST %s: status %d", id, status)
		}
	}
	t.Logf("count: %d requests during %d kills; %d GETs done again, no POST; %d POSTs answered with 502.3, of which %d were not done",
		len(y.answered), kills, repeated, unknown, unseen)
}

// Connections that wait for a process that is stopped, and then killed, go to the next one: all of them in-process, where
// nobody has accepted them; out-of-process those that may be sent twice.
func TestWaitingConnectionsSurviveAKill(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := startWitness(t, hosting, "servers", nil)
		w.ok("/")
		first := w.await(event.ProcessReady, 1).PID
		w.freeze(first)
		answers := make(chan error)
		const clients = 40
		for i := range clients {
			conn := w.dial() // a connection of its own
			method := http.MethodGet
			if i%2 == 1 && hosting == InProcess {
				method = http.MethodPost
			}
			w.send(conn, fmt.Sprintf("%s /once?id=%d HTTP/1.1\r\nHost: front\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method, i))
			go func() { answers <- w.status(conn, method) }()
		}
		w.kill(1)
		for range clients {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		seen := map[string]bool{}
		for _, id := range w.noted() {
			if seen[id] {
				t.Errorf("%s was done twice", id)
			}
			seen[id] = true
		}
		if len(seen) != clients {
			t.Errorf("%d requests were done", len(seen))
		}
		t.Logf("count: %d connections waited, none was lost", clients)
	})
}

// In-process the clients of the process that is killed are cut off, and nobody else: whoever connects meanwhile waits.
func TestKilledAtRandomInProcess(t *testing.T) {
	t.Parallel()
	w := startWitness(t, InProcess, "servers", func(o *Options) { o.App.Backend.RapidFailsPerMinute = -1 })
	w.client.Transport.(*http.Transport).DisableKeepAlives = true
	w.ok("/")
	var y tally
	const clients = 8
	end := y.clients(w, clients)
	kills := full(6, 40)
	for i := range kills {
		y.goOn(w, i+1)
		time.Sleep(rand.N(30 * time.Millisecond)) // at random, not for anything
		w.kill(i + 1)
	}
	end()
	broken := 0
	for id, status := range y.answered {
		switch status {
		case http.StatusOK:
		case 0:
			broken++
		default:
			t.Errorf("%s: status %d", id, status)
		}
	}
	if broken > kills*clients {
		t.Errorf("%d connections broke, and only %d can have been open", broken, kills*clients)
	}
	t.Logf("count: %d connections during %d kills; %d broke with the process that had accepted them", len(y.answered), kills, broken)
}
