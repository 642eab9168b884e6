package reverseproxy

import (
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// apacheFile is the configuration of Apache, with the modules that it needs and no other. What is said of nginx's
// holds for it; beyond that:
//
//   - retry=0: an app that was not there is tried again by the next request, not after a minute.
//   - nocanon, AllowEncodedSlashes and MergeSlashes: the app gets the path as the client wrote it.
//   - proxy-prefetch-nonblocking: the app is called at once, not when 16 kB of the body have come.
//   - The limit of bodies is an If, because LimitRequestBody does not count for what is passed on. It knows only bodies
//     that tell their length: those in chunks are up to the app.
//   - ProxyAddHeaders is off and the headers are set by hand, so that both fronts send the same ones.
//   - 16 processes may exist although 2 are enough: the old ones of a reload count as long as a client has a
//     connection to them.
const apacheFile = `# Written by gorun, for one run.
ServerName localhost
DefaultRuntimeDir .
PidFile httpd.pid
{{range .Modules}}<IfModule !{{.Name}}_module>
    LoadModule {{.Name}}_module "{{.Path}}"
</IfModule>
{{end}}{{with .User}}User "{{.}}"
{{end}}{{with .Group}}Group "{{.}}"
{{end}}ErrorLog /dev/stderr
ErrorLogFormat "[%l] [%E] %M"
LogLevel warn{{if .TLS}} ssl:error{{end}}
ServerTokens Prod
ServerSignature Off

StartServers 2
ServerLimit 16
ThreadLimit 64
ThreadsPerChild 64
MinSpareThreads 64
MaxSpareThreads 1024
MaxRequestWorkers 1024
Timeout {{.Seconds}}
KeepAliveTimeout 130
MaxKeepAliveRequests 0
LimitRequestBody 0
{{if .MaxBody}}<If "-n req('Content-Length') && req('Content-Length') -gt {{.MaxBody}}">
    Redirect 413 /
</If>
{{end}}LimitRequestLine 32768
LimitRequestFieldSize 32768
{{if .TLS}}SSLSessionCache none
SSLProtocol -all +TLSv1.2 +TLSv1.3
{{end}}
AllowEncodedSlashes NoDecode
MergeSlashes Off
ProxyPreserveHost On
ProxyAddHeaders Off
ProxyPass / "{{.App}}" nocanon upgrade=websocket retry=0 ttl=4 responsefieldsize=32768 timeout={{.Seconds}}
SetEnv proxy-prefetch-nonblocking 1
RequestHeader append X-Forwarded-For "expr=%{REMOTE_ADDR}"
RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"
RequestHeader set X-Forwarded-Host "expr=%{HTTP_HOST}"
{{range .Sites}}{{$scheme := .Scheme}}
{{range .Listen}}Listen {{.}} {{$scheme}}
{{end}}<VirtualHost{{range .Hosts}} {{.}}{{end}}>
    AllowEncodedSlashes NoDecode
{{if .TLS}}    Protocols h2 http/1.1
    SSLEngine on
    SSLCertificateFile {{.Number}}.crt
    SSLCertificateKeyFile {{.Number}}.key
{{end}}</VirtualHost>
{{end}}`

// apacheModules are the modules that the file needs, in the order in which they are loaded. Those for https take most
// of the time that Apache needs to start, and are in packages of their own on some systems.
func apacheModules(tls bool) []string {
	modules := []string{"mpm_event", "unixd", "authz_core", "alias", "env", "headers", "proxy", "proxy_http"}
	if tls {
		modules = append(modules, "ssl", "http2")
	}
	return modules
}

type apache struct{}

func (apache) name() string { return "apache" }
func (apache) file() string { return "httpd.conf" }

func (apache) args(folder, file string) []string {
	return []string{"-d", folder, "-f", file, "-D", "FOREGROUND"}
}

func (apache) text(c Config) string {
	type module struct{ Name, Path string }
	type host struct {
		site
		Scheme        string
		Listen, Hosts []string
	}
	data := struct {
		Modules          []module
		User, Group, App string
		MaxBody, Seconds int64
		TLS              bool
		Sites            []host
	}{User: c.Program.User, Group: c.Program.Group, App: c.apacheApp(), MaxBody: c.maxBody(), Seconds: c.seconds()}
	for _, s := range c.sites() {
		h := host{site: s, Scheme: "http"}
		if s.TLS {
			h.Scheme, data.TLS = "https", true
		}
		for _, addr := range s.Addrs {
			listen, name := apacheListen(addr)
			h.Listen, h.Hosts = append(h.Listen, listen), append(h.Hosts, name)
		}
		data.Sites = append(data.Sites, h)
	}
	for _, name := range apacheModules(data.TLS) {
		data.Modules = append(data.Modules, module{name, filepath.Join(c.Program.Modules, "mod_"+name+".so")})
	}
	return fill(apacheFile, data)
}

// apacheListen is the argument of Listen and that of VirtualHost. A port alone is every address: one socket or two,
// as Apache was built.
func apacheListen(addr netip.AddrPort) (listen, host string) {
	if addr.Addr() == netip.IPv6Unspecified() {
		port := strconv.Itoa(int(addr.Port()))
		return port, "*:" + port
	}
	return addr.String(), addr.String()
}

// apacheApp is the target of ProxyPass. The host behind a unix socket's path has no meaning.
func (c Config) apacheApp() string {
	if c.App.Unix != "" {
		return "unix:" + c.App.Unix + "|http://localhost/"
	}
	return "http://" + c.appAddr().String() + "/"
}

// place finds "AH00526: Syntax error on line 5 of /folder/httpd.conf:", which the next line explains, and "apache2:
// Syntax error on line 5 of /folder/httpd.conf: Cannot load ...".
func (apache) place(lines []string, path string) (line int, message string) {
	for i, text := range lines {
		_, rest, found := strings.Cut(text, "yntax error on line ")
		number, rest, _ := strings.Cut(rest, " of ")
		message, here := strings.CutPrefix(rest, path+":")
		n, err := strconv.Atoi(number)
		if !found || !here || err != nil {
			continue
		}
		if message == "" && i+1 < len(lines) {
			message = lines[i+1]
		}
		return n, strings.TrimSpace(message)
	}
	return 0, ""
}

// parse divides a line of the log, such as
//
//	[error] [(111)Connection refused] AH00957: http: attempt to connect to 127.0.0.1:5001 (127.0.0.1:5001) failed
//
// into its level and what it says, the system's reason at its end. A line that is none of its log has no level.
func (apache) parse(text string) (level, message string) {
	rest, found := strings.CutPrefix(text, "[")
	level, rest, closed := strings.Cut(rest, "] [")
	reason, message, complete := strings.Cut(rest, "] ")
	if !found || !closed || !complete {
		return "", text
	}
	if _, reason, known := strings.Cut(reason, ")"); known {
		message += ": " + reason
	}
	return level, message
}

// explain says in plain words what an app's failure is in Apache's. Its log does not name the request.
func (apache) explain(message string) (said string, failed bool) {
	switch {
	case strings.Contains(message, "attempt to connect to "):
		_, rest, _ := strings.Cut(message, "attempt to connect to ")
		at, _, _ := strings.Cut(strings.TrimPrefix(rest, "Unix domain socket "), " (")
		_, reason, _ := strings.Cut(rest, "failed: ")
		return tellRequest("the app does not answer: "+reason, at, ""), true
	case strings.Contains(message, "AH01102:"):
		return "the app closed the connection without an answer", true
	}
	return message, false
}

// ignored reports what only repeats the line before, that a connection failed when the attempt has been told of, and
// the notices of starting and stopping, which no LogLevel suppresses.
func (apache) ignored(text string) bool {
	for _, id := range []string{"AH01114", "AH00489", "AH00094", "AH00491", "AH00492", "AH00493"} {
		if strings.Contains(text, "] "+id+": ") {
			return true
		}
	}
	return false
}
