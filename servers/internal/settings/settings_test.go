package settings

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
	"github.com/gorun-dev/gorun/servers/limits"
)

// load reads texts as the files a.json, b.json and so on.
func load(files, environ []string) (Settings, error) {
	t := newTree()
	for i, text := range files {
		t.add(string(rune('a'+i))+".json", []byte(text))
	}
	t.environment(environ)
	return t.settings()
}

func mustLoad(t *testing.T, files, environ []string) Settings {
	t.Helper()
	s, err := load(files, environ)
	if err != nil {
		t.Fatalf("%q and %q: %v", files, environ, err)
	}
	return s
}

func url(s string) endpoint.Endpoint {
	e, err := endpoint.Parse(s)
	if err != nil {
		panic(err)
	}
	return e
}

func mode(m certificates.ClientMode) *certificates.ClientMode { return &m }

func tlsSettings(s certificates.Settings) certificates.Endpoint {
	return certificates.Endpoint{Settings: s}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, test := range []struct {
		name  string
		files []string
		env   []string
		want  Settings
	}{
		{name: "nothing"},
		{name: "no section", files: []string{`{"Logging": {"LogLevel": {"Default": "Warning", "default": 1}}}`}},
		{name: "null sections", files: []string{`{"Kestrel": null}`, `{"Kestrel": {"Endpoints": null, "Limits": {}, "Certificates": null, "EndpointDefaults": {}, "AddServerHeader": null}}`}},
		{
			name:  "one endpoint",
			files: []string{`{"Kestrel": {"Endpoints": {"Http": {"Url": "http://localhost:5000"}}}}`},
			want:  Settings{Endpoints: []Endpoint{{Name: "Http", URL: url("http://localhost:5000"), From: Place{"a.json", 1, 44}}}},
		},
		{
			name: "comments, commas, a mark, names in any case",
			files: []string{"\xef\xbb\xbf// settings\r\n{\r\n  \"kestrel\": { /* here */\r\n    \"ENDPOINTS\": {\r\n" +
				"      \"ü\": {\"url\": \"HTTP://*:80\",},\r\n    },\r\n  },\r\n}"},
			want: Settings{Endpoints: []Endpoint{{Name: "ü", URL: url("http://*:80"), From: Place{"a.json", 5, 20}}}},
		},
		{
			name:  "UTF-16",
			files: []string{"\xfe\xff" + wide(`{"Kestrel": {"AddServerHeader": true}}`)},
			want:  Settings{AddServerHeader: &yes},
		},
		{
			name:  "UTF-16, the other way round",
			files: []string{"\xff\xfe" + swap(wide(`{"Kestrel": {"AddServerHeader": "true"}}`))},
			want:  Settings{AddServerHeader: &yes},
		},
		{
			name:  "file order, paths as names",
			files: []string{`{"Kestrel:Endpoints:Z:Url": "http://unix:/run/z.sock", "Kestrel": {"Endpoints": {"A": {"Url": "http://[::]:0"}}}}`},
			want: Settings{Endpoints: []Endpoint{
				{Name: "Z", URL: url("http://unix:/run/z.sock"), From: Place{"a.json", 1, 29}},
				{Name: "A", URL: url("http://[::]:0"), From: Place{"a.json", 1, 95}},
			}},
		},
		{
			name:  "endpoints as an array",
			files: []string{`{"Kestrel": {"Endpoints": [{"Url": "http://*:1"}]}}`},
			want:  Settings{Endpoints: []Endpoint{{Name: "0", URL: url("http://*:1"), From: Place{"a.json", 1, 36}}}},
		},
		{
			name: "later files win, key by key",
			files: []string{
				`{"Kestrel": {"Endpoints": {"Https": {"Url": "https://*:1", "SslProtocols": ["Tls11", "Tls12"], "Certificate": {"Path": "a.pfx", "Password": "x"}}}}}`,
				`{"Kestrel": {"Endpoints": {"HTTPS": {"SslProtocols": ["Tls13"], "Certificate": {"Path": "b.pfx"}}}}}`,
			},
			want: Settings{Endpoints: []Endpoint{{Name: "Https", URL: url("https://*:1"), From: Place{"a.json", 1, 45}, TLS: tlsSettings(certificates.Settings{
				Certificate: certificates.Source{Path: "b.pfx", Password: "x"}, TLSVersions: []uint16{tls.VersionTLS12, tls.VersionTLS13},
			})}}},
		},
		{
			name:  "the environment wins, a name without prefix most",
			files: []string{`{"Kestrel": {"Endpoints": {"Https": {"Url": "http://*:1"}}, "Limits": {"MaxRequestLineSize": 1}}}`},
			env: []string{
				"Kestrel__Endpoints__HTTPS__Url=https://*:4", "PATH=/bin", "ASPNETCORE_kestrel:endpoints:https:url=https://*:3", "DOTNET_Kestrel__Endpoints__Https__Url=https://*:2",
				"aspnetcore_Kestrel__Limits__MaxRequestLineSize=3", "DOTNET_Kestrel__Limits__MaxRequestLineSize=2",
				"Kestrel__EndpointDefaults__SslProtocols__0=Tls13", "Kestrel=1", "Kestrel__Certificates__Default__Password=", "ASPNETCORE_", "",
			},
			want: Settings{
				Endpoints: []Endpoint{{
					Name: "Https", URL: url("https://*:4"), From: Place{File: "Kestrel__Endpoints__HTTPS__Url"},
					TLS: tlsSettings(certificates.Settings{TLSVersions: []uint16{tls.VersionTLS13}}),
				}},
				EndpointDefaults: certificates.Settings{TLSVersions: []uint16{tls.VersionTLS13}},
				Limits:           limits.Limits{MaxRequestLineSize: 3},
			},
		},
		{
			name: "defaults",
			files: []string{`{"Kestrel": {
				"Endpoints": {
					"Plain": {"Url": "http://*:1"},
					"Https": {"Url": "https://*:2"},
					"Own": {"Url": "https://*:3", "Protocols": "http2", "SslProtocols": ["none"], "ClientCertificateMode": "noCertificate"}
				},
				"EndpointDefaults": {"Protocols": "Http1AndHttp2AndHttp3", "SslProtocols": ["Tls13"], "ClientCertificateMode": "RequireCertificate"}
			}}`},
			want: Settings{
				Endpoints: []Endpoint{
					{Name: "Plain", URL: url("http://*:1"), From: Place{"a.json", 3, 23}, TLS: tlsSettings(certificates.Settings{Protocols: endpoint.HTTP1AndHTTP2})},
					{Name: "Https", URL: url("https://*:2"), From: Place{"a.json", 4, 23}, TLS: tlsSettings(certificates.Settings{
						Protocols: endpoint.HTTP1AndHTTP2AndHTTP3, TLSVersions: []uint16{tls.VersionTLS13}, Clients: mode(certificates.RequireCertificate),
					})},
					{Name: "Own", URL: url("https://*:3"), From: Place{"a.json", 5, 21}, TLS: tlsSettings(certificates.Settings{
						Protocols: endpoint.HTTP2, TLSVersions: []uint16{tls.VersionTLS12, tls.VersionTLS13}, Clients: mode(certificates.NoCertificate),
					})},
				},
				EndpointDefaults: certificates.Settings{
					Protocols: endpoint.HTTP1AndHTTP2AndHTTP3, TLSVersions: []uint16{tls.VersionTLS13}, Clients: mode(certificates.RequireCertificate),
				},
			},
		},
		{
			name: "names of hosts",
			files: []string{`{"Kestrel": {"Endpoints": {"Https": {"Url": "https://*:1", "Sni": {
				"A.example.org": {"Certificate": {"Path": "a.pem", "KeyPath": "a.key"}, "Protocols": "Http1"},
				"*.Example.org": {"SslProtocols": ["Tls12,Tls13"], "ClientCertificateMode": "AllowCertificate"},
				"*": {}
			}}}}}`},
			want: Settings{Endpoints: []Endpoint{{Name: "Https", URL: url("https://*:1"), From: Place{"a.json", 1, 45}, TLS: certificates.Endpoint{SNI: map[string]certificates.Settings{
				"a.example.org": {Certificate: certificates.Source{Path: "a.pem", KeyPath: "a.key"}, Protocols: endpoint.HTTP1},
				"*.example.org": {TLSVersions: []uint16{tls.VersionTLS12, tls.VersionTLS13}, Clients: mode(certificates.AllowCertificate)},
				"*":             {},
			}}}}},
		},
		{
			name: "certificates",
			files: []string{`{"Kestrel": {"Certificates": {
				"default": {"Subject": "localhost", "Store": "My", "Location": "localmachine", "AllowInvalid": "True"},
				"development": {"Password": "p"}
			}, "AddServerHeader": "False", "AllowSynchronousIO": "whatever", "DisableStringReuse": {}}}`},
			want: Settings{AddServerHeader: &no, Certificates: map[string]certificates.Source{
				"Default":     {Subject: "localhost", Store: "My", Location: "LocalMachine", AllowInvalid: true},
				"Development": {Password: "p"},
			}},
		},
		{
			name: "limits",
			files: []string{`{"Kestrel": {"Limits": {
				"MaxConcurrentConnections": "100", "MaxConcurrentUpgradedConnections": null, "MaxRequestBodySize": " 0x10 ",
				"MinRequestBodyDataRate": {"BytesPerSecond": 1e2, "GracePeriod": "00:00:10"}, "MinResponseDataRate": null,
				"RequestHeadersTimeout": "00:00:30.5", "KeepAliveTimeout": "-00:00:00.0010000",
				"MaxRequestLineSize": 1, "MaxRequestHeadersTotalSize": 2, "MaxRequestHeaderCount": 3,
				"MaxResponseBufferSize": 0, "MaxRequestBufferSize": 9223372036854775807,
				"Http2": {
					"MaxStreamsPerConnection": 4, "HeaderTableSize": 0, "MaxFrameSize": 16777215, "MaxRequestHeaderFieldSize": 5,
					"InitialConnectionWindowSize": 65535, "InitialStreamWindowSize": 2147483647,
					"KeepAlivePingDelay": "1.00:00:00", "KeepAlivePingTimeout": "10675199.02:48:05.4775807"
				},
				"Http3": {"MaxRequestHeaderFieldSize": 6}
			}}}`},
			want: Settings{Limits: limits.Limits{
				MaxConcurrentConnections: 100, MaxConcurrentUpgradedConnections: -1, MaxRequestBodySize: 16,
				MinRequestBodyDataRate: limits.DataRate{BytesPerSecond: 100, GracePeriod: 10 * time.Second}, MinResponseDataRate: limits.DataRate{BytesPerSecond: -1},
				RequestHeadersTimeout: 30*time.Second + 500*time.Millisecond, KeepAliveTimeout: -1,
				MaxRequestLineSize: 1, MaxRequestHeadersTotalSize: 2, MaxRequestHeaderCount: 3,
				MaxResponseBufferSize: 1, MaxRequestBufferSize: 1<<63 - 1,
				HTTP2: limits.HTTP2{
					MaxStreamsPerConnection: 4, HeaderTableSize: 1, MaxFrameSize: 1<<24 - 1, MaxRequestHeaderFieldSize: 5,
					InitialConnectionWindowSize: 1<<16 - 1, InitialStreamWindowSize: 1<<31 - 1, KeepAlivePingDelay: 24 * time.Hour, KeepAlivePingTimeout: -1,
				},
				HTTP3: limits.HTTP3{MaxRequestHeaderFieldSize: 6},
			}},
		},
		{
			name: "a later null takes a rate away, a later rate takes null away",
			files: []string{
				`{"Kestrel": {"Limits": {"MinRequestBodyDataRate": {"BytesPerSecond": 1}, "MinResponseDataRate": null}}}`,
				`{"Kestrel": {"Limits": {"MinRequestBodyDataRate": null, "MinResponseDataRate": {"GracePeriod": "00:00:02"}}}}`,
			},
			want: Settings{Limits: limits.Limits{MinRequestBodyDataRate: limits.DataRate{BytesPerSecond: -1}, MinResponseDataRate: limits.DataRate{GracePeriod: 2 * time.Second}}},
		},
		{
			name:  "nothing said, in many ways",
			files: []string{`{"Kestrel": {"Endpoints": {"E": {"Url": "https://*:1", "Protocols": "", "SslProtocols": [], "ClientCertificateMode": null, "Certificate": null, "Sni": {}}}}}`},
			want:  Settings{Endpoints: []Endpoint{{Name: "E", URL: url("https://*:1"), From: Place{"a.json", 1, 41}}}},
		},
		{
			name: "an empty variable is null",
			env:  []string{"Kestrel__Limits__MaxRequestBodySize=", "Kestrel__Limits__MinResponseDataRate="},
			want: Settings{Limits: limits.Limits{MaxRequestBodySize: -1, MinResponseDataRate: limits.DataRate{BytesPerSecond: -1}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := mustLoad(t, test.files, test.env)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			roundTrip(t, got)
		})
	}
}

func wide(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.Write([]byte{byte(r >> 8), byte(r)})
	}
	return b.String()
}

func swap(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// roundTrip holds that s is read again from what it prints.
func roundTrip(t *testing.T, s Settings) {
	t.Helper()
	again, err := load([]string{string(s.JSON())}, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, s.JSON())
	}
	noPlaces := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".From" || p.Last().String() == ".Warnings" }, cmp.Ignore())
	if diff := cmp.Diff(s, again, noPlaces); diff != "" {
		t.Errorf("printed as\n%sand read again, before (-), after (+):\n%s", s.JSON(), diff)
	}
}

func TestLoadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	all := write("appsettings.json", `{"Kestrel": {"Limits": {"MaxRequestLineSize": 1, "MaxRequestHeaderCount": 1}}}`)
	development := write("appsettings.Development.json", `{"Kestrel": {"Limits": {"MaxRequestLineSize": 2}}}`)
	got, err := Load([]string{all, development}, []string{"Kestrel__Limits__Http3__MaxRequestHeaderFieldSize=3"})
	want := limits.Limits{MaxRequestLineSize: 2, MaxRequestHeaderCount: 1, HTTP3: limits.HTTP3{MaxRequestHeaderFieldSize: 3}}
	if err != nil || got.Limits != want {
		t.Errorf("got %+v, %v", got.Limits, err)
	}

	missing := filepath.Join(dir, "none.json")
	_, err = Load([]string{missing, dir, write("bad.json", "{")}, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	var first *Error
	if !errors.As(err, &first) || first.File != missing || first.Line != 0 {
		t.Errorf("the first error is %+v", first)
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 3 {
		t.Errorf("got %d errors, want 3:\n%v", got, err)
	}
}

func TestFilesThatAreTooLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "long.json")
	if err := os.WriteFile(path, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load([]string{path}, nil); err == nil || !strings.Contains(err.Error(), "longer than 16777216 bytes") {
		t.Errorf("got %v", err)
	}
}

// A name may be a path of any length; what is kept of it must not grow with the square of that.
func TestLongPaths(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(":a", 1<<16)
	s, err := load([]string{`{"Kestrel` + long + `": 1, "Kestrel:Limits:MinResponseDataRate` + long + `": 1}`}, []string{"Kestrel" + long + "=1"})
	if err != nil || len(s.Warnings) != 2 || s.Warnings[0].Key != "Kestrel:a" {
		t.Errorf("got %v and %d warnings", err, len(s.Warnings))
	}
}
