package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers/metrics"
)

// guard keeps an app's middleware from harming the server: a panic or a missing connection refuses one client, and a call that
// never returns does not hold up the end. It starts a goroutine for each call, which ends with it.
type guard struct {
	stopping context.Context
	log      *slog.Logger
}

// all gives the middleware in its guarded form.
func (g guard) all(list []func(net.Conn) (net.Conn, error)) []func(net.Conn) (net.Conn, error) {
	var guarded []func(net.Conn) (net.Conn, error)
	for _, f := range list {
		guarded = append(guarded, func(c net.Conn) (net.Conn, error) { return g.pass(f, c) })
	}
	return guarded
}

// passed is what middleware has made of a connection.
type passed struct {
	conn net.Conn
	err  error
}

var errStopping = errors.New("the server was stopped while middleware had the connection")

// pass calls f on a goroutine of its own: there is no other way to leave it behind. A connection that it gives too late is
// closed.
func (g guard) pass(f func(net.Conn) (net.Conn, error), c net.Conn) (net.Conn, error) {
	result := make(chan passed)
	go func() {
		p := g.call(f, c)
		select {
		case result <- p:
		case <-g.stopping.Done():
			if p.conn != nil {
				_ = p.conn.Close() // the server has closed what is below it, and told who wants to know
			}
		}
	}()
	select {
	case p := <-result:
		return p.conn, p.err
	case <-g.stopping.Done():
		return nil, errStopping
	}
}

func (g guard) call(f func(net.Conn) (net.Conn, error), c net.Conn) (p passed) {
	defer func() {
		if e := recover(); e != nil {
			g.log.Error(fmt.Sprintf("panic in connection middleware: %v\n%s", e, debug.Stack()), slog.String("remote", c.RemoteAddr().String()))
			p = passed{err: errors.New("connection middleware has panicked")}
		}
	}()
	p.conn, p.err = f(c)
	if p.conn == nil && p.err == nil {
		p.err = errors.New("connection middleware gave neither a connection nor an error")
		g.log.Error(p.err.Error(), slog.String("remote", c.RemoteAddr().String()))
	}
	return p
}

// guardedMeter is an app's meter that may panic: numbers are lost then, and it is told once.
type guardedMeter struct {
	meter metrics.Meter
	log   *slog.Logger
	told  atomic.Bool
}

func (m *guardedMeter) Add(name string, delta int64, attrs ...slog.Attr) {
	defer m.recovered()
	m.meter.Add(name, delta, attrs...)
}

func (m *guardedMeter) Record(name string, value float64, attrs ...slog.Attr) {
	defer m.recovered()
	m.meter.Record(name, value, attrs...)
}

func (m *guardedMeter) recovered() {
	if e := recover(); e != nil && !m.told.Swap(true) {
		m.log.Error(fmt.Sprintf("panic in the meter: %v; numbers are lost, and this is said once\n%s", e, debug.Stack()))
	}
}
