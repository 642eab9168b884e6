// Package site is what benchmarks of whole processes need to serve something in several ways and to compare these: it starts the
// processes of a way, finds where they listen, has two ways answer load in turns, and reads the memory of a way's processes.
//
// It builds nothing, and configures nothing but nginx: what serves, and how, is the benchmark's. Values are not to be used by
// several goroutines at once.
package site

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// Site is something that is served in one way: the processes that this takes, and where clients find it.
type Site struct {
	Way   string
	Base  string   // the address, such as http://127.0.0.1:8080
	Parts []*Child // in the order of their start; the last is the front
}

// URL is where a request goes.
func (s *Site) URL(r subject.Request) string { return s.Base + r.Path }

// Front is the process that was started last.
func (s *Site) Front() *Child { return s.Parts[len(s.Parts)-1] }

// Stop ends the processes, the front first.
func (s *Site) Stop() error {
	var errs []error
	for _, part := range slices.Backward(s.Parts) {
		errs = append(errs, part.Stop())
	}
	s.Parts = nil
	return errors.Join(errs...)
}

// Announced starts a program that says where it listens, and takes the address of this scheme for the site's.
func (s *Site) Announced(ctx context.Context, scheme string, spec process.Spec) error {
	said := subject.NewAnnouncements(scheme)
	part, err := StartChild(s.Way, spec, said)
	if err != nil {
		return err
	}
	s.Parts = append(s.Parts, part)
	if err := part.await(ctx, said.Ready()); err != nil {
		return err
	}
	s.Base = said.URL(scheme)
	return nil
}

// Reachable starts a program that does not say when it listens at address, such as 127.0.0.1:8080.
func (s *Site) Reachable(ctx context.Context, address string, spec process.Spec) error {
	part, err := StartChild(s.Way, spec, subject.NewAnnouncements())
	if err != nil {
		return err
	}
	s.Parts = append(s.Parts, part)
	return part.reachable(ctx, address)
}

// Dial connects as soon as somebody listens, and tries in this interval until ctx is done.
func Dial(ctx context.Context, address string, interval time.Duration) (net.Conn, error) {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// FreePort is a port that nobody listens on now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
