package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// serveCommand as the first argument makes this program a server.
const serveCommand = "serve"

// The roles of servers.
const (
	ours = "ours"
	bare = "bare"
)

// serve is a server's process. It ends when its stdin does, which happens in every way in which the bench can end.
func serve(args []string) (err error) {
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	file := flags.String("file", "", "the file to serve")
	profile := flags.String("profile", "", "where to write a CPU profile")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process, when stdin is still open then
		_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
		cancel()
	}()
	if *profile != "" {
		stop, err := startProfile(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	if flags.Arg(0) == ours {
		return serveOurs(ctx, handler(*file), os.Stderr)
	}
	return serveBare(ctx, handler(*file), os.Stderr)
}

// startProfile starts to profile the process; stop writes the file.
func startProfile(path string) (stop func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// serveOurs serves h by servers.Run, with all its limits, and says where.
func serveOurs(ctx context.Context, h http.Handler, stderr io.Writer) error {
	const anyPort = "127.0.0.1:0"
	app := servers.New(h, servers.WithOutput(nil),
		servers.WithEndpoint("http://"+anyPort, servers.Endpoint{Protocols: endpoint.HTTP2}),
		servers.WithEndpoint("http://"+anyPort, servers.Endpoint{}),
		servers.WithEndpoint("https://"+anyPort, servers.Endpoint{}))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-app.Listening():
	}
	for i, url := range app.Addresses() {
		_, address, _ := strings.Cut(url, "://")
		fmt.Fprintf(stderr, "%s%s://%s\n", subject.Listening, []string{"h2c", "http", "https"}[i], address)
	}
	return <-ended
}

// serveBare serves h by net/http as it is until ctx is done, and says where as servers.Run does. HTTP/2 without TLS,
// which has to be asked for, is on a socket of its own.
func serveBare(ctx context.Context, h http.Handler, stderr io.Writer) error {
	certificate, _, err := devcert.Ensure(devcert.Options{})
	if err != nil {
		return err
	}
	unencrypted := new(http.Protocols)
	unencrypted.SetUnencryptedHTTP2(true)
	h2c := &http.Server{Handler: h, Protocols: unencrypted}
	server := &http.Server{Handler: h, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{certificate},
		NextProtos:   []string{"h2", "http/1.1"},
	}}
	ended := make(chan error, 3)
	for _, s := range []struct {
		scheme string
		serve  func(net.Listener) error
	}{
		{"h2c", h2c.Serve},
		{"http", server.Serve},
		{"https", func(l net.Listener) error { return server.ServeTLS(l, "", "") }},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err // the process ends
		}
		fmt.Fprintf(stderr, "%s%s://%s\n", subject.Listening, s.scheme, l.Addr())
		go func() { ended <- s.serve(l) }()
	}
	select {
	case <-ctx.Done():
		return errors.Join(server.Close(), h2c.Close())
	case err := <-ended:
		return err
	}
}
