//go:build linux || darwin

package httpsys_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestStops has clients keep their connections, and never try again, while one of the two workers of their queue comes and goes: at
// whatever moment of its end a request comes, it is answered.
func TestStops(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	queue := httpsys.Options{RequestQueueName: "q", RequestQueueMode: httpsys.CreateOrAttach}
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"}, servers.WithHTTPSys(queue))
	queue.RequestQueueMode = httpsys.Attach
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work sync.WaitGroup
	var served [2]atomic.Int64
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				c := dial(t, a.host())
				for n, open := 0, true; open && n < 200 && ctx.Err() == nil; n++ {
					fmt.Fprint(c, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
					resp, err := http.ReadResponse(c.r, nil)
					if err != nil {
						t.Errorf("request %d of a connection: %v", n, err)
						return
					}
					body, err := io.ReadAll(resp.Body)
					if err != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(body), " /x") {
						t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
						return
					}
					served[strings.Index("ab", string(body[:1]))].Add(1)
					open = !resp.Close
				}
				c.Close()
			}
		})
	}
	for range 20 {
		before := served[1].Load()
		b := run(t, folder, "b", nil, servers.WithHTTPSys(queue))
		for served[1].Load() < before+20 && !t.Failed() && ctx.Err() == nil {
			dial(t, a.host()).get("/x") // until it has some of the connections
		}
		b.end(t)
	}
	stop()
	work.Wait()
	t.Logf("%d requests of one, %d of the other", served[0].Load(), served[1].Load())
}
