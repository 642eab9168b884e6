package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// sharer is one of the apps of testdata/apps/shared, run by gorun.
type sharer struct {
	*site
	name, url string
	asked     string // what is asked of it
	run       *fronted

	requests, failures atomic.Int64
	last               atomic.Pointer[string] // the last failure
}

// sharers are all three on one port, with a broker that ends after the test.
func sharers(t *testing.T) (apps []*sharer, folder string) {
	t.Helper()
	parent, err := os.MkdirTemp("/tmp", "gorun") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(parent, "b")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), frontPatience)
		defer cancel()
		if client, err := broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool}); err == nil {
			if err := client.Stop(ctx); err != nil {
				t.Error(err)
			}
			_ = client.Close()
		}
		_ = os.RemoveAll(parent)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	for _, a := range []struct{ name, url, asked string }{
		{"shop", fmt.Sprintf("http://127.0.0.1:%d/shop", port), "/goods"},
		{"blog", fmt.Sprintf("http://127.0.0.1:%d", port), "/posts/1"},
		{"admin", fmt.Sprintf("http://localhost:%d", port), "/"},
	} {
		path := sampleApp(t, "shared/"+a.name)
		s := newSite(t, fmt.Sprintf(`{"profiles": {"x": {"commandName": "Executable", "executablePath": %q,
			"environmentVariables": {"ASPNETCORE_URLS": %q}, "gorun": {"server": "httpsys"}}}}`, path, a.url), nil)
		s.env = append(s.env, "GORUN_HTTPSYS="+folder)
		apps = append(apps, &sharer{site: s, name: a.name, url: a.url, asked: a.url + a.asked})
	}
	return apps, folder
}

// start runs it, until it has its prefix.
func (s *sharer) start() {
	s.t.Helper()
	s.run = s.begin(exec.Command(gorunBinary(s.t), s.arguments()...))
	s.run.await(event.EndpointReady, 1)
}

// stop has it end.
func (s *sharer) stop() {
	s.t.Helper()
	_ = s.run.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.run.ended:
	case <-time.After(frontPatience):
		s.t.Fatalf("%s does not end", s.name)
	}
}

// ask makes one request, and counts it.
func (s *sharer) ask(client *http.Client) {
	s.requests.Add(1)
	problem := ""
	response, err := client.Get(s.asked)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil && (response.StatusCode != 200 || !strings.HasPrefix(string(body), s.name+" ")) {
			problem = fmt.Sprintf("%s: %.100q", response.Status, body)
		}
	}
	if err != nil {
		problem = err.Error()
	}
	if problem != "" {
		s.last.Store(&problem)
		s.failures.Add(1)
	}
}

// Three apps share one port by host and path. Each is stopped and started again while clients ask all of them, on connections that
// they keep, on new ones, and on kept ones that go from one app to the other; the requests for the other two are all answered, and
// by the right one.
func TestSharersAreRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	apps, folder := sharers(t)
	for _, s := range apps {
		s.start()
	}
	down := make([]atomic.Bool, len(apps)) // these are not asked
	done := make(chan struct{})
	var load sync.WaitGroup
	ask := func(client *http.Client, which ...int) {
		load.Go(func() {
			defer client.CloseIdleConnections()
			for {
				for _, i := range which {
					select {
					case <-done:
						return
					default:
					}
					if !down[i].Load() {
						apps[i].ask(client)
					}
				}
				time.Sleep(time.Millisecond) // other tests run, too
			}
		})
	}
	for i := range apps {
		ask(keeping(), i)
		ask(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: frontPatience}, i)
	}
	ask(keeping(), 0, 1, 2)
	for range 2 {
		for i, s := range apps {
			down[i].Store(true)
			others := []*sharer{apps[(i+1)%3], apps[(i+2)%3]}
			requests := []int64{others[0].requests.Load(), others[1].requests.Load()}
			failures := []int64{others[0].failures.Load(), others[1].failures.Load()}
			s.stop()
			s.start()
			for j, other := range others {
				s.run.within("requests for "+other.name, func() bool { return other.requests.Load() > requests[j]+10 })
				if n := other.failures.Load() - failures[j]; n > 0 {
					t.Errorf("%s: %d requests failed while %s was restarted, the last by %s", other.name, n, s.name, *other.last.Load())
				}
			}
			down[i].Store(false)
		}
	}
	close(done)
	load.Wait()
	for _, s := range apps {
		t.Logf("%s: %d requests", s.name, s.requests.Load())
	}
	killBroker(t, apps, folder)
}

func keeping() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: frontPatience}
}

// beginOrder makes a request whose handler runs, and waits for its body. The function that it gives sends that, and reads the answer.
func beginOrder(t *testing.T, shop *sharer) (end func(what string)) {
	t.Helper()
	at, err := url.Parse(shop.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", at.Host, frontPatience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * frontPatience))
	answers := bufio.NewReader(conn)
	fmt.Fprintf(conn, "POST %s/orders HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", at.Path, at.Host)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("the order is not wanted: %q, %v", line, err)
	}
	_, _ = answers.ReadString('\n')
	return func(what string) {
		t.Helper()
		fmt.Fprint(conn, what)
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Errorf("the order is lost: %v", err)
			return
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); string(body) != "shop has ordered "+what+"\n" {
			t.Errorf("got %q, %v", body, err)
		}
	}
}

// killBroker kills the broker: connections go on, a request that runs among them, and everybody is there again with another one.
func killBroker(t *testing.T, apps []*sharer, folder string) {
	t.Helper()
	client := keeping()
	defer client.CloseIdleConnections()
	shop := apps[0]
	shop.failures.Store(0)
	shop.ask(client)
	order := beginOrder(t, shop)
	first, err := broker.Connect(t.Context(), folder, broker.Hello{Role: broker.Tool})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := syscall.Kill(first.Broker().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	order("hello")
	shop.ask(client)
	if n := shop.failures.Load(); n > 0 {
		t.Errorf("a connection does not outlive the broker: %s", *shop.last.Load())
	}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: frontPatience}
	for _, s := range apps {
		s.run.within(s.name+" to be there again", func() bool {
			s.failures.Store(0)
			s.ask(fresh)
			return s.failures.Load() == 0
		})
	}
}
