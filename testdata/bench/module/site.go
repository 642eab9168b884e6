package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/pairing"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// token is the secret of the apps behind nginx and ReverseProxy.
const token = "0f8fad5b-d9cb-469f-a165-70867728950e"

// site is the app served in one way: the processes that this takes, and where clients find it.
type site struct {
	role  string
	base  string   // the address, such as http://127.0.0.1:8080
	parts []*child // in the order of their start; the last is the front
}

func (s *site) url(r subject.Request) string { return s.base + r.Path }

func (s *site) front() *child { return s.parts[len(s.parts)-1] }

// stop ends the processes, the front first.
func (s *site) stop() error {
	var errs []error
	for _, part := range slices.Backward(s.parts) {
		errs = append(errs, part.stop())
	}
	s.parts = nil
	return errors.Join(errs...)
}

// start starts the app in one of the ways, for a scheme, and returns when it is listened on. Then, with gorun, the app itself has
// yet to be started by a first request.
func (b *bench) start(ctx context.Context, role, scheme string) (*site, error) {
	s := &site{role: role}
	var err error
	switch role {
	case alone:
		err = b.startAlone(ctx, s, scheme)
	case nginx, reverseProxy:
		err = b.startBehind(ctx, s, scheme)
	default:
		err = b.startGorun(ctx, s, scheme, "-lp", role)
	}
	if err != nil {
		_ = s.stop() // err says why
		return nil, err
	}
	return s, nil
}

// startAlone starts the app as it is.
func (b *bench) startAlone(ctx context.Context, s *site, scheme string) error {
	env := append(b.environ(), "ASPNETCORE_URLS="+scheme+"://127.0.0.1:0")
	return b.announced(ctx, s, scheme, process.Spec{Path: b.app, Dir: b.dir, Env: env})
}

// startGorun starts gorun with the settings for a scheme.
func (b *bench) startGorun(ctx context.Context, s *site, scheme string, args ...string) error {
	folder := filepath.Join(b.dir, settingsFolder(scheme))
	args = append([]string{"--launch-settings", filepath.Join(folder, "Properties", "launchSettings.json")}, args...)
	return b.announced(ctx, s, scheme, process.Spec{Path: b.gorun, Args: args, Dir: folder, Env: b.environ()})
}

// announced starts a program that says where it listens.
func (b *bench) announced(ctx context.Context, s *site, scheme string, spec process.Spec) error {
	said := subject.NewAnnouncements(scheme)
	part, err := b.startChild(s.role, spec, said)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part)
	if err := part.await(ctx, said.Ready()); err != nil {
		return err
	}
	s.base = said.URL(scheme)
	return nil
}

// startBehind starts the app as the module does it out-of-process, and nginx or ReverseProxy before it.
func (b *bench) startBehind(ctx context.Context, s *site, scheme string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	paired := append(b.environ(), pairing.PortVariable+"="+strconv.Itoa(port), pairing.PathVariable+"=/", pairing.TokenVariable+"="+token)
	if err := b.announced(ctx, s, "http", process.Spec{Path: b.app, Dir: b.dir, Env: paired}); err != nil {
		return fmt.Errorf("the app behind it: %w", err)
	}
	if s.role == nginx {
		return b.startNginx(ctx, s, scheme)
	}
	return b.announced(ctx, s, scheme, process.Spec{Path: b.program, Args: []string{proxyCommand, s.base, token}, Dir: b.dir, Env: b.environ()})
}

// freePort is a port that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
