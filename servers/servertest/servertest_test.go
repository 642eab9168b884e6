package servertest_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/servertest"
	"github.com/gorun-dev/gorun/testdata/apps/custom/audited"
)

func TestKestrel(t *testing.T) {
	target := servertest.For("kestrel", nil)
	servertest.Run(t, target)
	fmt.Printf("count: servertest kestrel: %d cases\n", len(servertest.Cases()))
}

// TestObserved has nothing change by looking on: an access log, numbers and connection middleware together.
func TestObserved(t *testing.T) {
	servertest.Run(t, servertest.For("kestrel", nil,
		servers.WithAccessLog(accesslog.JSON(io.Discard)),
		servers.WithMetrics(nobody{}),
		servers.WithConnectionMiddleware(func(c net.Conn) (net.Conn, error) { return c, nil }),
	))
}

// nobody takes numbers and does nothing with them.
type nobody struct{}

func (nobody) Add(string, int64, ...slog.Attr)      {}
func (nobody) Record(string, float64, ...slog.Attr) {}

// TestCustom has a server of an app's own, the sample's, behave as every other.
func TestCustom(t *testing.T) {
	servertest.Run(t, servertest.For("audited", audited.New()))
	fmt.Printf("count: servertest custom: %d cases\n", len(servertest.Cases()))
}

// TestEntry has the feature that the sample's server adds reach the handler.
func TestEntry(t *testing.T) {
	t.Parallel()
	var numbers []uint64
	target := servertest.For("audited", audited.New())
	running, err := target.Start(servertest.Config{
		URLs: []string{"http://127.0.0.1:0"}, Context: t.Context(), ShutdownTimeout: time.Minute,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			entry, _ := feature.Get[audited.Entry](r.Context())
			numbers = append(numbers, entry.Number)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	for range 3 {
		resp, err := client.Get(running.URLs[0])
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	client.CloseIdleConnections()
	running.Stop()
	if err := <-running.Done; err != nil || !slices.Equal(numbers, []uint64{1, 2, 3}) {
		t.Errorf("got %v, %v", numbers, err)
	}
}
