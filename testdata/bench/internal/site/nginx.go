package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/reverseproxy"
)

// nginxFile is the configuration of nginx. It does what is compared and nothing else, as quickly as it can: connections are never
// closed for their number of requests, each worker has a socket of its own so that connections spread over them, large bodies
// never go to the disk, and TLS has the cipher that Go's servers choose. The rest is as nginx has it by itself: buffering above
// all.
const nginxFile = `daemon off;
pid nginx.pid;
error_log stderr warn;
{{with .Program.User}}user {{.}};
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
{{range $i, $app := .Apps}}    upstream app{{$i}} {
        server {{$app.Address}};
        keepalive 256;
        keepalive_requests 1000000000;
    }
{{end}}    proxy_http_version 1.1;
    proxy_max_temp_file_size 0;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
{{range .Fields}}    proxy_set_header {{.Name}} "{{.Value}}";
{{end}}{{range $i, $host := .Hosts}}
    server {
{{range $.Addresses}}        listen {{.}}{{if $.TLS}} ssl{{end}}{{if eq $i 0}} reuseport{{end}};
{{end}}{{with $host}}        server_name {{.}};
{{end}}{{if $.TLS}}        ssl_certificate {{$.Certificate}};
        ssl_certificate_key {{$.Key}};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
{{end}}{{range $j, $app := $.Apps}}{{if eq $app.Host $host}}        location {{$app.Path}} {
            proxy_pass http://app{{$j}}{{if ne $app.Path "/"}}/{{end}};
        }
{{end}}{{end}}    }
{{end}}}
`

// Nginx is an nginx before some apps.
type Nginx struct {
	Program          reverseproxy.Program
	Apps             []App
	Addresses        []string // that it listens on, such as 127.0.0.1:8080
	TLS              bool
	Certificate, Key string  // files
	Fields           []Field // that apps get beside the client's own
}

// App is where nginx finds an app, and what the app has: a host, "" for any, and a path with a slash at its end, which the app does
// not see.
type App struct{ Address, Host, Path string }

// Field is a header field, its value as nginx writes it: $scheme is a variable.
type Field struct{ Name, Value string }

// FindNginx finds the system's nginx.
func FindNginx(ctx context.Context) (reverseproxy.Program, error) {
	found, err := reverseproxy.Find(ctx, reverseproxy.Nginx, os.Getenv)
	return found, withHint(err)
}

// withHint adds what can be done to an error that knows it.
func withHint(err error) error {
	if hinting, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return fmt.Errorf("%w; %s", err, hinting.Hint())
	}
	return err
}

// Hosts are those of the apps, each once.
func (n Nginx) Hosts() (hosts []string) {
	seen := map[string]bool{}
	for _, app := range n.Apps {
		if !seen[app.Host] {
			seen[app.Host] = true
			hosts = append(hosts, app.Host)
		}
	}
	return hosts
}

// text is the configuration.
func (n Nginx) text() (string, error) {
	t, err := template.New("").Parse(nginxFile)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, n)
	return out.String(), err
}

// StartNginx starts nginx, with this environment and a new folder below dir for what it writes.
func (s *Site) StartNginx(ctx context.Context, n Nginx, dir string, env []string) error {
	config, err := n.text()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(dir, "nginx-")
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	spec := process.Spec{Path: n.Program.Path, Args: []string{"-p", folder + "/", "-c", file}, Dir: folder, Env: env}
	return s.Reachable(ctx, n.Addresses[0], spec)
}

// Loopback are the addresses of localhost with a port: that of IPv4, and that of IPv6 where this machine has it.
func Loopback(port int) []string {
	addresses := []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		addresses = append(addresses, net.JoinHostPort("::1", strconv.Itoa(port)))
	}
	return addresses
}
