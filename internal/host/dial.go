package host

import (
	"context"
	"net"
	"runtime"
	"strconv"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// unixInTable says whether package sockets sees unix sockets.
const unixInTable = runtime.GOOS != "windows"

// dial reports whether something answers at e. A server that expects TLS may log it, so that it is no more than the
// last resort.
func dial(ctx context.Context, e endpoint.Endpoint) bool {
	network, address := "unix", e.Unix
	if e.Unix == "" {
		host := e.Host
		if e.IsWildcard() || e.IsLocal() {
			host = "localhost" // names below it are known to browsers, not to every resolver
		}
		network, address = "tcp", net.JoinHostPort(host, strconv.Itoa(int(e.Port)))
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	_ = conn.Close() // it has served its purpose
	return true
}
