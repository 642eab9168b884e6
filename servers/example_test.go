package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello by %s", r.Proto) }

// serve runs app, calls f when it listens, stops it, and gives what Run gives: a test of an app does the same.
func serve(app *servers.App, f func(url string)) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	select {
	case <-app.Listening():
	case err := <-ended: // it does not listen
		return err
	}
	f(app.Addresses()[0])
	stop()
	return <-ended
}

// read fetches url and gives status and body.
func read(client *http.Client, url string) string {
	resp, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer client.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

// An app is one call. Its environment says where it listens; an app of its own mind says it by code.
func ExampleRun() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel() // an app has context.Background(), and is stopped by Ctrl+C or SIGTERM
	err := servers.Run(ctx, http.HandlerFunc(hello), servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil))
	fmt.Println(err)
	// Output: <nil>
}

// What is wrong is said with its place and what to do, all of it at once.
func ExampleRun_mistakes() {
	err := servers.Run(context.Background(), nil, servers.WithURLs("localhost:5000;http://localhost:5000/api"))
	fmt.Println(err)
	// Output:
	// WithURLs: "localhost:5000" is not a URL to listen on: it has no scheme
	//   hint: write http://localhost:5000
	// cannot listen on http://localhost:5000/api (WithURLs): an address to listen on has no path
	//   hint: leave the path out, and use http.StripPrefix in the app
}

// A test runs the app on a free port, waits for Listening or the error of Run, and asks for Addresses.
func ExampleNew() {
	app := servers.New(http.HandlerFunc(hello), servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	select {
	case <-app.Listening():
		fmt.Println(read(http.DefaultClient, app.Addresses()[0]))
	case err := <-ended: // it does not listen
		fmt.Println(err)
		return
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 hello by HTTP/1.1
	// <nil>
}

// An endpoint by code has protocols of its own: HTTP/2 without TLS, say.
func ExampleWithEndpoint() {
	app := servers.New(http.HandlerFunc(hello), servers.WithOutput(nil),
		servers.WithEndpoint("http://127.0.0.1:0", servers.Endpoint{Protocols: endpoint.HTTP2}))
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &h2c}}
	err := serve(app, func(url string) { fmt.Println(read(client, url)) })
	fmt.Println(err)
	// Output:
	// 200 hello by HTTP/2.0
	// <nil>
}

// The Kestrel section of a file says where to listen and within which limits.
func ExampleWithConfigFiles() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "appsettings.json")
	settings := `{"Kestrel": {
		"Endpoints": {"Web": {"Url": "http://127.0.0.1:0"}},
		"Limits": {"MaxRequestBodySize": 1000000}
	}}`
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		log.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := feature.Get[feature.Body](r.Context())
		fmt.Fprintf(w, "at most %d bytes", body.MaxSize())
	})
	err = serve(servers.New(h, servers.WithConfigFiles(file), servers.WithOutput(nil)), func(url string) {
		fmt.Println(read(http.DefaultClient, url))
	})
	fmt.Println(err)
	// Output:
	// 200 at most 1000000 bytes
	// <nil>
}

// Fields that are zero are Kestrel's limits, and negative ones none.
func ExampleWithLimits() {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := feature.Get[feature.Body](r.Context())
		fmt.Fprint(w, "no limit: ", body.MaxSize() < 0)
	})
	app := servers.New(h, servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil),
		servers.WithLimits(servers.Limits{MaxRequestBodySize: -1, KeepAliveTimeout: time.Minute}))
	err := serve(app, func(url string) { fmt.Println(read(http.DefaultClient, url)) })
	fmt.Println(err)
	// Output:
	// 200 no limit: true
	// <nil>
}

// Clients have to show a certificate. The app's own is found as without the option.
func ExampleWithTLSConfig() {
	data, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(data)
	os.Setenv("GORUN_DATA", data) // an app leaves this out: its certificate is kept in the user's folder
	defer os.Unsetenv("GORUN_DATA")

	whoMayCome := x509.NewCertPool()
	app := servers.New(http.HandlerFunc(hello), servers.WithURLs("https://127.0.0.1:0"), servers.WithOutput(nil),
		servers.WithTLSConfig(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: whoMayCome}),
		servers.WithLogger(slog.New(slog.DiscardHandler)))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	err = serve(app, func(url string) {
		_, err := client.Get(url)
		fmt.Println("without a certificate it fails:", err != nil)
	})
	fmt.Println(err)
	// Output:
	// without a certificate it fails: true
	// <nil>
}

// Connections can be seen, and refused, before anything is read from them.
func ExampleWithConnectionMiddleware() {
	app := servers.New(http.HandlerFunc(hello), servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil),
		servers.WithConnectionMiddleware(func(c net.Conn) (net.Conn, error) {
			fmt.Println("from this machine:", c.RemoteAddr().(*net.TCPAddr).IP.IsLoopback())
			return c, nil
		}))
	err := serve(app, func(url string) { fmt.Println(read(http.DefaultClient, url)) })
	fmt.Println(err)
	// Output:
	// from this machine: true
	// 200 hello by HTTP/1.1
	// <nil>
}

// Each request is logged: here by slog, with three of its attributes.
func ExampleWithAccessLog() {
	shown := map[string]bool{"http.request.method": true, "url.path": true, "http.response.status_code": true}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if !shown[a.Key] {
			return slog.Attr{}
		}
		return a
	}}))
	app := servers.New(http.NotFoundHandler(), servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil),
		servers.WithAccessLog(accesslog.Slog(logger)))
	if err := serve(app, func(url string) { read(http.DefaultClient, url+"/page") }); err != nil {
		log.Fatal(err)
	}
	// Output: http.request.method=GET url.path=/page http.response.status_code=404
}

// numbered is a server of an app's own: Kestrel, whose requests say by whom they were served.
type numbered struct{}

func (numbered) Serve(ctx context.Context, site *servers.Site) error {
	changed := *site
	changed.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Served-By", site.Name)
		site.Handler.ServeHTTP(w, r)
	})
	return servers.Kestrel().Serve(ctx, &changed)
}

// A server of an app's own has a name, by which GORUN_SERVER can choose it.
func ExampleWithServer() {
	app := servers.New(http.HandlerFunc(hello), servers.WithServer("numbered", numbered{}),
		servers.WithURLs("http://127.0.0.1:0"), servers.WithOutput(nil))
	err := serve(app, func(url string) {
		resp, err := http.Get(url)
		if err != nil {
			log.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		resp.Body.Close()
		fmt.Println(resp.Header.Get("Served-By"), app.Feature().Name)
	})
	fmt.Println(err)
	// Output:
	// numbered numbered
	// <nil>
}
