package reverseproxy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"text/template"
)

// nginxFile is the configuration of nginx. What it deliberately does otherwise than nginx by itself:
//
//   - Nothing is buffered, in neither direction, so that events, logs and progress arrive when the app writes them,
//     and an upload meets the app at once. What buffering is for, keeping slow clients away from busy apps, is no
//     concern of a developer's machine; nor are temporary files for large bodies.
//   - Connections to the app are kept for 4 seconds, less than any common server keeps idle ones (Node has 5): a
//     request is never sent into a connection that the app is just closing.
//   - Headers may be as large as Kestrel takes them: 8 kB is little for the cookies of a login.
//   - Only an upgrade to WebSockets is passed on. Any other, such as h2c, would take the connection away from the
//     front.
//   - The temporary folders are named although nothing should need them: nginx makes all of them when it starts, and
//     the ones it would choose belong to the system.
const nginxFile = `# Written by gorun, for one run.
daemon off;
pid nginx.pid;
error_log stderr warn;
{{with .User}}user {{.}};
{{end}}worker_processes 2;
worker_rlimit_nofile 16384;
events {
    worker_connections 8192;
}
http {
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    client_body_temp_path temp-body;
    proxy_temp_path temp-proxy;
    fastcgi_temp_path temp-fastcgi;
    uwsgi_temp_path temp-uwsgi;
    scgi_temp_path temp-scgi;

    client_max_body_size {{.MaxBody}};
    large_client_header_buffers 8 32k;
    keepalive_timeout 130s;
    ssl_protocols TLSv1.2 TLSv1.3;

    upstream app {
        server {{.App}};
        keepalive 64;
        keepalive_timeout 4s;
    }
    map $http_upgrade $app_upgrade {
        default "";
        websocket websocket;
    }
    map $http_upgrade $app_connection {
        default "";
        websocket upgrade;
    }
    map $http_host $app_host {
        default $http_host;
        "" $host;
    }
    map $remote_addr $app_forwarded_for {
        default $proxy_add_x_forwarded_for;
        "unix:" $http_x_forwarded_for;
    }
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_buffer_size 32k;
    proxy_buffers 8 32k;
    proxy_read_timeout {{.Seconds}}s;
    proxy_send_timeout {{.Seconds}}s;
    proxy_redirect off;
    proxy_set_header Host $app_host;
    proxy_set_header Upgrade $app_upgrade;
    proxy_set_header Connection $app_connection;
    proxy_set_header X-Forwarded-For $app_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $app_host;
{{range .Sites}}
    server {
{{range .Listen}}        listen {{.}};
{{end}}{{if .HTTP2}}        http2 on;
{{end}}{{if .TLS}}        ssl_certificate {{.Number}}.crt;
        ssl_certificate_key {{.Number}}.key;
{{end}}        location / {
            proxy_pass http://app;
        }
    }
{{end}}}
`

type nginx struct{}

func (nginx) name() string { return "nginx" }
func (nginx) file() string { return "nginx.conf" }

func (nginx) args(folder, file string) []string { return []string{"-p", folder + "/", "-c", file} }

func (nginx) text(c Config) string {
	type server struct {
		site
		Listen []string
		HTTP2  bool // as a directive of its own
	}
	data := struct {
		User, App        string
		MaxBody, Seconds int64
		Sites            []server
	}{User: c.Program.User, App: c.appAddrText("unix:"), MaxBody: c.maxBody(), Seconds: c.seconds()}
	for _, s := range c.sites() {
		directive := c.Program.atLeast(1, 25, 1)
		options := ""
		if s.TLS {
			options = " ssl"
			if !directive {
				options += " http2"
			}
		}
		server := server{site: s, HTTP2: s.TLS && directive}
		if s.Unix != "" {
			server.Listen = append(server.Listen, `"unix:`+s.Unix+`"`+options)
		}
		for _, addr := range s.Addrs {
			server.Listen = append(server.Listen, nginxListen(addr)+options)
		}
		data.Sites = append(data.Sites, server)
	}
	return fill(nginxFile, data)
}

func nginxListen(addr netip.AddrPort) string {
	if addr.Addr() == netip.IPv6Unspecified() {
		return addr.String() + " ipv6only=off"
	}
	return addr.String()
}

// appAddrText is the app's address, quoted where it is a path.
func (c Config) appAddrText(unix string) string {
	if c.App.Unix != "" {
		return `"` + unix + c.App.Unix + `"`
	}
	return c.appAddr().String()
}

// fill fills in a template of this package, which cannot fail.
func fill(text string, data any) string {
	var out strings.Builder
	if err := template.Must(template.New("").Parse(text)).Execute(&out, data); err != nil {
		panic(err)
	}
	return out.String()
}

// place finds "... in /folder/nginx.conf:12" in what nginx says of its configuration.
func (nginx) place(lines []string, path string) (line int, message string) {
	for _, text := range lines {
		what, number, found := strings.Cut(text, " in "+path+":")
		if n, err := strconv.Atoi(strings.TrimSpace(number)); found && err == nil {
			_, what = nginx{}.parse(what)
			return n, what
		}
	}
	return 0, ""
}

// parse divides a line of the log, such as
//
//	2026/11/21 20:33:57 [error] 4312#4312: *1 connect() failed (111: Connection refused) while connecting to ...
//	nginx: [emerg] unknown directive "x" in /folder/nginx.conf:12
//
// into its level and what it says. A line that is none of its log has no level.
func (nginx) parse(text string) (level, message string) {
	before, rest, found := strings.Cut(text, "[")
	level, rest, closed := strings.Cut(rest, "] ")
	if !found || !closed || before != "nginx: " && !isTime(before) {
		return "", text
	}
	if ids, after, found := strings.Cut(rest, ": "); found && isIDs(ids) {
		rest = after
	}
	if number, after, found := strings.Cut(rest, " "); found && len(number) > 1 && number[0] == '*' {
		rest = after // the number of the connection
	}
	return level, rest
}

// isTime reports whether text is "2026/11/21 20:33:57 ".
func isTime(text string) bool {
	return len(text) == len("2026/11/21 20:33:57 ") && text[4] == '/' && text[13] == ':' && text[19] == ' '
}

// isIDs reports whether text is the ids of a process and a thread, "4312#4312".
func isIDs(text string) bool {
	var pid, tid int
	n, err := fmt.Sscanf(text, "%d#%d", &pid, &tid)
	return n == 2 && err == nil
}

// explain says in plain words what an app's failure is in nginx's.
func (nginx) explain(message string) (said string, failed bool) {
	switch {
	case strings.Contains(message, " while connecting to upstream"):
		reason, _, _ := strings.Cut(message, " while connecting to upstream")
		said = "the app does not answer: " + reason
	case strings.HasPrefix(message, "upstream prematurely closed connection while reading response header"):
		said = "the app closed the connection without an answer"
	case strings.HasPrefix(message, "upstream timed out") && strings.Contains(message, "reading response header"):
		said = "the app gave no answer in time"
	default:
		return message, false
	}
	return tellRequest(said, nginxApp(message), nginxField(message, "request")), true
}

// nginxApp is the app's address in "http://127.0.0.1:5001/orders" or "http://unix:/run/app.sock:/orders".
func nginxApp(message string) string {
	url := strings.TrimPrefix(nginxField(message, "upstream"), "http://")
	separator := "/"
	url, unix := strings.CutPrefix(url, "unix:")
	if unix {
		separator = ":"
	}
	at, _, _ := strings.Cut(url, separator)
	return at
}

// nginxField is the value of one of the quoted fields that follow a message, or "".
func nginxField(message, name string) string {
	_, rest, found := strings.Cut(message, ", "+name+`: "`)
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// ignored reports what nginx says before it has read where its log is: builds that log elsewhere by default try that
// first, and may not.
func (nginx) ignored(text string) bool {
	return strings.HasPrefix(text, "nginx: [alert] could not open error log file: ")
}
