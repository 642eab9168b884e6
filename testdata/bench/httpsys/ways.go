package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// appPackage is the app, by a path that is the same wherever in the repository the command is run.
const appPackage = "github.com/gorun-dev/gorun/testdata/bench/httpsys/app"

const (
	certificateFile = "nginx.crt"
	keyFile         = "nginx.key"
)

// prepare builds the launcher and the app, and writes the certificate for nginx.
func (b *bench) prepare(ctx context.Context) (err error) {
	b.own = filepath.Join(b.dir, "own")
	if b.trust, err = subject.MakeCertificate(b.dir); err != nil {
		return err
	}
	certificate, key, err := b.trust.PEM()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{certificateFile: certificate, keyFile: key} {
		if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o600); err != nil {
			return err
		}
	}
	b.gorun, b.app = filepath.Join(b.dir, "gorun"), filepath.Join(b.dir, "app")
	if err := subject.BuildLauncher(b.gorun); err != nil {
		return err
	}
	_, err = subject.BuildApp(ctx, b.gorun, b.environ(), appPackage, b.app)
	return err
}

// environ is the environment of everything that is started: gorun keeps its own files, and has its broker, in the bench's folder.
// Names are short: the path of a socket may have 103 bytes on macOS.
func (b *bench) environ() []string {
	return append(subject.Environ(b.dir), "GORUN_CACHE="+filepath.Join(b.own, "cache"), "GORUN_RUN_DIR="+filepath.Join(b.own, "run"),
		"GORUN_HTTPSYS="+filepath.Join(b.own, "sys"))
}

// start starts the apps in one of the ways, and returns when they are listened for.
func (b *bench) start(ctx context.Context, way string, apps apps) (*site.Site, error) {
	s := &site.Site{Way: way}
	err := b.startWay(ctx, s, apps)
	if err != nil {
		_ = s.Stop() // err says why
		return nil, err
	}
	return s, nil
}

func (b *bench) startWay(ctx context.Context, s *site.Site, apps apps) error {
	port, err := site.FreePort()
	if err != nil {
		return err
	}
	switch s.Way {
	case onBroker:
		err = b.startOnBroker(ctx, s, apps, port)
	case nginx:
		err = b.startNginx(ctx, s, apps, port)
	default:
		one := apps.list[0]
		err = b.startAlone(ctx, s, one, apps.scheme, one.address(apps.scheme, port))
	}
	s.Base = apps.scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
	return err
}

// startOnBroker has gorun run each app, the first of which starts the broker as well.
func (b *bench) startOnBroker(ctx context.Context, s *site.Site, apps apps, port int) error {
	folder, err := os.MkdirTemp(b.dir, "site-")
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "launchSettings.json")
	if err := os.WriteFile(file, apps.settings(b.app, port), 0o600); err != nil {
		return err
	}
	for _, one := range apps.list {
		args := []string{"--launch-settings", file, "-lp", one.name}
		if err := s.Announced(ctx, apps.scheme, process.Spec{Path: b.gorun, Args: args, Dir: folder, Env: b.environ()}); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// startAlone starts an app as it is, at an address.
func (b *bench) startAlone(ctx context.Context, s *site.Site, one app, scheme, address string) error {
	env := append(b.environ(), pageVariable+"="+one.page, urlsVariable+"="+address)
	return s.Announced(ctx, scheme, process.Spec{Path: b.app, Dir: b.dir, Env: env})
}

// startNginx starts the apps, each alone, and nginx in front of them.
func (b *bench) startNginx(ctx context.Context, s *site.Site, apps apps, port int) error {
	config := site.Nginx{
		Program: b.nginx, Addresses: site.Loopback(port), TLS: apps.scheme == "https",
		Certificate: filepath.Join(b.dir, certificateFile), Key: filepath.Join(b.dir, keyFile),
	}
	for _, one := range apps.list {
		if err := b.startAlone(ctx, s, one, "http", "http://127.0.0.1:0"); err != nil {
			return fmt.Errorf("%s behind it: %w", one.name, err)
		}
		config.Apps = append(config.Apps, site.App{Address: strings.TrimPrefix(s.Base, "http://"), Host: one.host, Path: one.path})
	}
	return s.StartNginx(ctx, config, b.dir, b.environ())
}
