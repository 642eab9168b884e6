package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gorun-dev/gorun/servers/module/pairing"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// proxyCommand as the first argument makes this program a reverse proxy: the app's address and its token follow.
const proxyCommand = "proxy"

// proxy serves ReverseProxy until it is asked to stop, and says where as servers.Run does.
func proxy(args []string) error {
	if len(args) != 2 {
		return errors.New("the app's address and its token are missing")
	}
	app, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newProxy(app, args[1])}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	fmt.Fprintf(os.Stderr, "%shttp://%s\n", subject.Listening, l.Addr())
	select {
	case <-ctx.Done():
		return server.Close()
	case err := <-ended:
		return err
	}
}

// newProxy is net/http's reverse proxy as one would tune it, adding the fields that the module adds.
func newProxy(app *url.URL, token string) http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
			ReadBufferSize:      32 << 10,
			WriteBufferSize:     32 << 10,
		},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(app)
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-For", r.In.RemoteAddr)
			r.Out.Header.Set("X-Forwarded-Proto", "http")
			r.Out.Header.Set(pairing.TokenHeader, token)
		},
	}
}

const bufferSize = 32 << 10

// buffers is what bodies are copied with.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *buffers) Put(buffer []byte) { b.pool.Put((*[bufferSize]byte)(buffer)) }
