//go:build linux || darwin

package httpsys_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/servertest"
)

// What HTTP.sys cannot give, by the reference (servers.md).
const (
	hasNoUnix = "HTTP.sys has no unix sockets (4.2)"
	// 4.1: "HeaderWait only after the first request on the connection reaches the app".
	waitsElsewhere = "a connection is the broker's, with limits of its own, until its first head has come (4.1)"
)

// TestServertest has an app behave as every server does that has its connections from a broker.
func TestServertest(t *testing.T) {
	folder := startBroker(t)
	target := servertest.For("httpsys", servers.HTTPSys(httpsys.Options{}), servers.WithEnvironment([]string{wire.Variable + "=" + folder}), servers.WithOutput(nil))
	target.Without = map[string]string{
		"address/path-refused":     "a UrlPrefix may have a path base (4.2)",
		"address/unix":             hasNoUnix,
		"address/unix-feature":     hasNoUnix,
		"address/unix-left-behind": hasNoUnix,
		"address/several":          hasNoUnix,
		"address/several-told":     hasNoUnix,

		"h1/limit/connections":            waitsElsewhere + ", and does not count here until then",
		"upgrade/no-limits-after-upgrade": waitsElsewhere + ", and this case counts on the app's limits before",
		"wire/idle-from-the-start":        waitsElsewhere,
		"wire/slow-head-408":              waitsElsewhere,
		"wire/slow-line-408":              waitsElsewhere,

		"h3/":  "a broker hands over TCP sockets, and HTTP.sys has HTTP/3 only where the system turns it on (4.3)",
		"h2c/": "HTTP.sys speaks HTTP/2 with TLS alone (4.3)",
	}
	servertest.Run(t, target)
}

// brokerFolder gives a folder with a path that is short enough for a socket, which t.TempDir may not be.
func brokerFolder(t *testing.T) string {
	t.Helper()
	short, err := os.MkdirTemp("", "h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	return filepath.Join(short, "b")
}

// startBroker gives the folder of a broker that ends with the test.
func startBroker(t *testing.T) string {
	t.Helper()
	folder := brokerFolder(t)
	runBroker(t, folder)
	return folder
}

// runBroker starts a broker; stop ends it and waits for its end, at the latest when the test ends.
func runBroker(t *testing.T, folder string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	options := broker.Options{Folder: folder, Persistent: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	go func() { done <- broker.Run(ctx, options, func() { close(ready) }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-ready:
	case err := <-done:
		done <- err
		t.Fatalf("the broker does not start: %v", err)
	}
	return stop
}
