//go:build linux || darwin

package broker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// real runs an app of package httpsys at a URL, until stop is called, which waits for its end.
func real(t *testing.T, b *running, name, url string) (at string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server := &httpsys.Server{
		Listens:         []httpsys.Listen{{URL: url}},
		ShutdownTimeout: patient,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", name, r.URL.Path)
		}),
		Getenv: func(key string) string {
			if key == wire.Variable {
				return b.folder
			}
			return os.Getenv(key)
		},
	}
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- server.Serve(ctx, func(all []string) { listening <- all[0] }) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ended <- nil
	}
	select {
	case at = <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return at, stop
}

// Three apps share one port. A kept connection goes from one to the other with its requests, and one app is started again and again
// while the others lose nothing.
func TestApps(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	root, _ := real(t, b, "root", "http://localhost:0/")
	addr := portOf(t, root)
	_, port, _ := net.SplitHostPort(addr)
	real(t, b, "api", "http://api.localhost:"+port+"/")
	shop := strings.TrimSuffix(root, "/") + "/shop/"
	_, stop := real(t, b, "shop", shop)

	kept := dial(t, addr)
	for range 20 {
		kept.ask("localhost", "/a").want(200, "root /a")
		kept.ask("localhost", "/shop/b").want(200, "shop /b")
		kept.ask("api.localhost", "/shop/c").want(200, "api /shop/c")
	}
	kept.ask("localhost", "/1").ask("localhost", "/shop/2").ask("api.localhost", "/3") // at once
	kept.want(200, "root /1")
	kept.want(200, "shop /2")
	kept.want(200, "api /3")
	kept.ask("nobody.localhost", "/").want(400, "Invalid Hostname")

	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		kept := dial(t, addr)
		for {
			select {
			case <-over:
				return
			default:
				kept.ask("localhost", "/kept").want(200, "root /kept")
				want(t, addr, "api.localhost", "/new", 200, "api /new")
			}
		}
	}()
	for range 10 {
		stop()
		want(t, addr, "localhost", "/shop/d", 200, "root /shop/d")
		_, stop = real(t, b, "shop", shop)
		want(t, addr, "localhost", "/shop/d", 200, "shop /d")
	}
	close(over)
	<-done
}

// Apps go on when their broker has gone, and are there again when there is a new one.
func TestAppsWithoutBroker(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	at, _ := real(t, b, "one", "http://localhost:0/")
	addr := portOf(t, at)
	kept := dial(t, addr)
	kept.ask("localhost", "/1").want(200, "one /1")
	b.stop()
	<-b.ended
	kept.ask("localhost", "/2").want(200, "one /2")
	start(t, Options{Folder: b.folder})
	eventually(t, "the app is back", func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	want(t, addr, "localhost", "/3", 200, "one /3")
	kept.ask("localhost", "/4").want(200, "one /4")
}
