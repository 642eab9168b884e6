package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/pairing"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// nginxFile is the configuration of nginx. It does the module's work and nothing else, as quickly as it can: connections are
// never closed for their number of requests, each worker has a socket of its own so that connections spread over them, large
// bodies never go to the disk, and TLS has the cipher that Go's servers choose. The rest is as nginx has it by itself: buffering
// above all.
const nginxFile = `daemon off;
pid nginx.pid;
error_log stderr warn;
{{with .User}}user {{.}};
{{end}}worker_processes auto;
worker_rlimit_nofile 16384;
events {
    worker_connections 8192;
}
http {
    access_log off;
    client_body_temp_path temp-body;
    proxy_temp_path temp-proxy;
    fastcgi_temp_path temp-fastcgi;
    uwsgi_temp_path temp-uwsgi;
    scgi_temp_path temp-scgi;

    keepalive_requests 1000000000;
    upstream app {
        server {{.App}};
        keepalive 256;
        keepalive_requests 1000000000;
    }
    proxy_http_version 1.1;
    proxy_max_temp_file_size 0;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For "$remote_addr:$remote_port";
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header {{.TokenHeader}} "{{.Token}}";

    server {
        listen 127.0.0.1:{{.Port}}{{if .TLS}} ssl{{end}} reuseport;
{{if .TLS}}        ssl_certificate {{.Certificate}};
        ssl_certificate_key {{.Key}};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
{{end}}        location / {
            proxy_pass http://app;
        }
    }
}
`

// nginxConfig is what stands in it.
type nginxConfig struct {
	User             string // "" unless root chooses
	App              string // the app's address
	Port             int
	TLS              bool
	Certificate, Key string // files
}

// TokenHeader and Token are the pairing's.
func (nginxConfig) TokenHeader() string { return pairing.TokenHeader }
func (nginxConfig) Token() string       { return token }

func (c nginxConfig) text() (string, error) {
	t, err := template.New("").Parse(nginxFile)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, c)
	return out.String(), err
}

// startNginx starts nginx in front of the app at the site's address, which becomes that of nginx.
func (b *bench) startNginx(ctx context.Context, s *site, scheme string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	config, err := nginxConfig{
		User: b.nginx.User, App: strings.TrimPrefix(s.base, "http://"), Port: port, TLS: scheme == "https",
		Certificate: filepath.Join(b.dir, certificateFile), Key: filepath.Join(b.dir, keyFile),
	}.text()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(b.dir, "nginx-")
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	spec := process.Spec{Path: b.nginx.Path, Args: []string{"-p", folder + "/", "-c", file}, Dir: folder, Env: b.environ()}
	part, err := b.startChild(s.role, spec, subject.NewAnnouncements())
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.base = scheme + "://" + address
	return part.reachable(ctx, address)
}
