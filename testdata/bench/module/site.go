package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/pairing"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
)

// token is the secret of the apps behind nginx and ReverseProxy.
const token = "0f8fad5b-d9cb-469f-a165-70867728950e"

// start starts the app in one of the ways, for a scheme, and returns when it is listened on. Then, with gorun, the app itself has
// yet to be started by a first request.
func (b *bench) start(ctx context.Context, role, scheme string) (*site.Site, error) {
	s := &site.Site{Way: role}
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
		_ = s.Stop() // err says why
		return nil, err
	}
	return s, nil
}

// startAlone starts the app as it is.
func (b *bench) startAlone(ctx context.Context, s *site.Site, scheme string) error {
	env := append(b.environ(), "ASPNETCORE_URLS="+scheme+"://127.0.0.1:0")
	return s.Announced(ctx, scheme, process.Spec{Path: b.app, Dir: b.dir, Env: env})
}

// startGorun starts gorun with the settings for a scheme.
func (b *bench) startGorun(ctx context.Context, s *site.Site, scheme string, args ...string) error {
	folder := filepath.Join(b.dir, settingsFolder(scheme))
	args = append([]string{"--launch-settings", filepath.Join(folder, "Properties", "launchSettings.json")}, args...)
	return s.Announced(ctx, scheme, process.Spec{Path: b.gorun, Args: args, Dir: folder, Env: b.environ()})
}

// startBehind starts the app as the module does it out-of-process, and nginx or ReverseProxy before it.
func (b *bench) startBehind(ctx context.Context, s *site.Site, scheme string) error {
	port, err := site.FreePort()
	if err != nil {
		return err
	}
	paired := append(b.environ(), pairing.PortVariable+"="+strconv.Itoa(port), pairing.PathVariable+"=/", pairing.TokenVariable+"="+token)
	if err := s.Announced(ctx, "http", process.Spec{Path: b.app, Dir: b.dir, Env: paired}); err != nil {
		return fmt.Errorf("the app behind it: %w", err)
	}
	if s.Way == nginx {
		return b.startNginx(ctx, s, scheme)
	}
	return s.Announced(ctx, scheme, process.Spec{Path: b.program, Args: []string{proxyCommand, s.Base, token}, Dir: b.dir, Env: b.environ()})
}

// startNginx starts nginx in front of the app at the site's address, which becomes that of nginx. It does the module's work.
func (b *bench) startNginx(ctx context.Context, s *site.Site, scheme string) error {
	port, err := site.FreePort()
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	config := site.Nginx{
		Program: b.nginx, Addresses: []string{address}, TLS: scheme == "https",
		Apps:        []site.App{{Address: strings.TrimPrefix(s.Base, "http://"), Path: "/"}},
		Certificate: filepath.Join(b.dir, certificateFile), Key: filepath.Join(b.dir, keyFile),
		Fields: []site.Field{
			{Name: "X-Forwarded-For", Value: "$remote_addr:$remote_port"}, {Name: "X-Forwarded-Proto", Value: "$scheme"},
			{Name: pairing.TokenHeader, Value: token},
		},
	}
	s.Base = scheme + "://" + address
	return s.StartNginx(ctx, config, b.dir, b.environ())
}
