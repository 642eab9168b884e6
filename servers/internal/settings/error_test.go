package settings

import (
	"errors"
	"strings"
	"testing"
)

// hints gives every error as its text and, indented, its hint.
func hints(errs []*Error) string {
	var b strings.Builder
	for _, e := range errs {
		b.WriteString(e.Error() + "\n")
		if hint := e.Hint(); hint != "" {
			b.WriteString("  hint: " + hint + "\n")
		}
	}
	return b.String()
}

// all gives the errors that err joins.
func all(t *testing.T, err error) []*Error {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v joins nothing", err)
	}
	var errs []*Error
	for _, err := range joined.Unwrap() {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%v is no *Error", err)
		}
		errs = append(errs, e)
	}
	return errs
}

// The column of what stands in the place of %s in the texts below.
const (
	atEndpoint = `{"Kestrel": {"Endpoints": {"E": %s}}}`
	atLimits   = `{"Kestrel": {"Limits": %s}}`
)

func in(frame, text string) string { return strings.Replace(frame, "%s", text, 1) }

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "a.json:1:1: the file is empty\n  hint: write {}, or remove the file\n"},
		{"only a comment", "// {}", "a.json:1:1: the file is empty\n  hint: write {}, or remove the file\n"},
		{"no object", "[1]", "a.json:1:1: the file is not an object\n  hint: write { \"Kestrel\": { ... } }\n"},
		{"not closed", "{\n\"ü\": [1,", "a.json:2:9: the file ends, but the '[' of line 2 is not closed with ']'\n"},
		{"no value", `{"a":`, "a.json:1:6: the file ends where a value should stand\n"},
		{"no colon", `{"a" 1}`, "a.json:1:6: \"1\" stands where \":\" after a name should\n"},
		{"no comma", `{"ü": 1 "b": 2}`, "a.json:1:9: a comma, or '}', is missing before this\n"},
		{"a comma alone", `{,}`, "a.json:1:2: \",\" stands where a name in double quotes should\n  hint: remove this comma\n"},
		{"two commas", `[1,,]`, "a.json:1:4: \",\" stands where a value should\n  hint: remove this comma\n"},
		{"single quotes", `{'a': 1}`, "a.json:1:2: \"'\" stands where a name in double quotes should\n  hint: JSON wants double quotes\n"},
		{"wrong comment", "{} # x", "a.json:1:4: \"#\" stands where the end of the file should\n  hint: a comment begins with //\n"},
		{"open comment", "{ /* x", "a.json:1:3: this comment is not closed\n  hint: end it with \"*/\"\n"},
		{"open string", "{\"a\n\": 1}", "a.json:1:2: this string is not closed on its line\n  hint: close it with a double quote; a line break inside a string is written \\n\n"},
		{"open string at the end", `{"a\`, "a.json:1:2: this string is not closed\n  hint: close it with a double quote\n"},
		{"control character", "{\"a\x01\"", "a.json:1:4: the control character U+0001 cannot stand in a string\n"},
		{"escape", `{"a": "C:\certs"}`, "a.json:1:10: a backslash and what follows are no escape of JSON\n  hint: write a backslash as \\\\\n"},
		{"unicode escape", `{"a": "\u12"}`, "a.json:1:7: this string has a \\u that is no escape of JSON\n  hint: four hex digits follow \\u\n"},
		{"number", `{"a": 01}`, "a.json:1:7: 01 is no number of JSON\n"},
		{"word", `{"a": True}`, "a.json:1:7: \"T\" stands where a value should\n"},
		{"after the end", "{} {}", "a.json:1:4: \"{\" stands where the end of the file should\n"},
		{"too deep", strings.Repeat("[", 65), "a.json:1:65: objects and arrays are nested more than 64 deep\n"},
		{
			"duplicates", "{\"Kestrel\": {\"Limits\": {\"Http2\": {}},\n\"LIMITS:http2\": {}, \"limits\": null, \"Limits:Http2:MaxFrameSize\": 1},\n\"KESTREL\": 1}",
			"a.json:2:1: Kestrel:Limits:Http2: it stands here a second time, the first is in line 1\n  hint: remove one of them\n" +
				"a.json:2:21: Kestrel:Limits: it stands here a second time, the first is in line 1\n  hint: remove one of them\n" +
				"a.json:2:66: Kestrel:Limits:Http2:MaxFrameSize: it must be from 16384 to 16777215, not 1\n" +
				"a.json:3:1: Kestrel: it stands here a second time, the first is in line 1\n  hint: remove one of them\n",
		},
		{"a section that is none", `{"Kestrel": "x"}`, "a.json:1:13: Kestrel: it is a value where keys should stand\n  hint: write \"Kestrel\": { ... }\n"},
		{"no Url", in(atEndpoint, `{}`), "a.json:1:28: Kestrel:Endpoints:E: the endpoint \"E\" has no Url\n  hint: write \"Url\": \"http://localhost:5000\"\n"},
		{"a null endpoint", in(atEndpoint, `null`), "a.json:1:33: Kestrel:Endpoints:E: the endpoint \"E\" has no Url\n  hint: write \"Url\": \"http://localhost:5000\"\n"},
		{"an empty Url", in(atEndpoint, `{"Url": ""}`), "a.json:1:28: Kestrel:Endpoints:E: the endpoint \"E\" has no Url\n  hint: write \"Url\": \"http://localhost:5000\"\n"},
		{"a Url that is none", in(atEndpoint, `{"Url": "5000"}`), "a.json:1:41: Kestrel:Endpoints:E:Url: \"5000\" is not a URL to listen on: it is only a port\n  hint: write http://localhost:5000\n"},
		{"two URLs", in(atEndpoint, `{"Url": "http://*:1;http://*:2"}`), "a.json:1:41: Kestrel:Endpoints:E:Url: \"http://*:1;http://*:2\" is more than one URL\n  hint: give each URL an endpoint of its own\n"},
		{"an array of URLs", in(atEndpoint, `{"Url": ["http://*:1"]}`), "a.json:1:34: Kestrel:Endpoints:E:Url: it has keys or elements where one value should stand\n"},
		{
			"https without https", in(atEndpoint, `{"Url": "http://*:1", "Sni": {"*": {}}, "SslProtocols": ["Tls12"], "ClientCertificateMode": "NoCertificate", "Certificate": {"Path": "x"}}`),
			"a.json:1:55: Kestrel:Endpoints:E:Sni: Sni has no meaning for http://*:1, which is not https\n  hint: write https in Url, or remove this\n" +
				"a.json:1:73: Kestrel:Endpoints:E:SslProtocols: SslProtocols has no meaning for http://*:1, which is not https\n  hint: write https in Url, or remove this\n" +
				"a.json:1:125: Kestrel:Endpoints:E:ClientCertificateMode: ClientCertificateMode has no meaning for http://*:1, which is not https\n  hint: write https in Url, or remove this\n" +
				"a.json:1:142: Kestrel:Endpoints:E:Certificate: Certificate has no meaning for http://*:1, which is not https\n  hint: write https in Url, or remove this\n",
		},
		{"HTTP/3 without https", in(atEndpoint, `{"Url": "http://*:1", "Protocols": "Http1AndHttp2AndHttp3"}`), "a.json:1:68: Kestrel:Endpoints:E:Protocols: HTTP/3 needs https, and the URL is http://*:1\n  hint: write https in Url, or Http1AndHttp2 here\n"},
		{"HTTP/3 on a unix socket", in(atEndpoint, `{"Url": "https://unix:/x", "Protocols": "Http3"}`), "a.json:1:73: Kestrel:Endpoints:E:Protocols: HTTP/3 cannot be spoken over a unix socket\n  hint: write Http1AndHttp2\n"},
		{
			"HTTP/3 alone by default", `{"Kestrel": {"Endpoints": {"E": {"Url": "http://*:1"}}, "EndpointDefaults": {"Protocols": "Http3"}}}`,
			"a.json:1:91: Kestrel:EndpointDefaults:Protocols: http://*:1 cannot speak HTTP/3, which needs https and a port\n  hint: give the endpoint \"E\" Protocols of its own\n",
		},
		{"protocols", in(atEndpoint, `{"Url": "http://*:1", "Protocols": "Http4"}`), "a.json:1:68: Kestrel:Endpoints:E:Protocols: \"Http4\" names no version of HTTP: write Http1, Http2, Http3, Http1AndHttp2 or Http1AndHttp2AndHttp3\n"},
		{
			"versions of TLS", in(atEndpoint, `{"Url": "https://*:1", "SslProtocols": ["Ssl3", "Tls12", "x"]}`),
			"a.json:1:73: Kestrel:Endpoints:E:SslProtocols:0: Go does not speak Ssl3\n  hint: write Tls12 or Tls13\n" +
				"a.json:1:90: Kestrel:Endpoints:E:SslProtocols:2: \"x\" names no version of TLS\n  hint: write Tls, Tls11, Tls12 or Tls13\n",
		},
		{"a gap", in(atEndpoint, `{"Url": "https://*:1", "SslProtocols": ["Tls11", "Tls13"]}`), "a.json:1:56: Kestrel:Endpoints:E:SslProtocols: Go speaks no versions of TLS with a gap between them\n  hint: name the versions between, too\n"},
		{"no array", in(atEndpoint, `{"Url": "https://*:1", "SslProtocols": "Tls12"}`), "a.json:1:72: Kestrel:Endpoints:E:SslProtocols: it is a value where an array should stand\n  hint: write [\"Tls12\"]\n"},
		{"late certificates", in(atEndpoint, `{"Url": "https://*:1", "ClientCertificateMode": "DelayCertificate"}`), "a.json:1:81: Kestrel:Endpoints:E:ClientCertificateMode: Go's TLS cannot ask for a certificate after the handshake\n  hint: write AllowCertificate to ask every client for one, and let the program decide what to do without\n"},
		{"no mode", in(atEndpoint, `{"Url": "https://*:1", "ClientCertificateMode": "Allow"}`), "a.json:1:81: Kestrel:Endpoints:E:ClientCertificateMode: \"Allow\" is no mode\n  hint: write NoCertificate, AllowCertificate or RequireCertificate\n"},
		{"two certificates", in(atEndpoint, `{"Url": "https://*:1", "Certificate": {"Path": "a", "Subject": "b"}}`), "a.json:1:56: Kestrel:Endpoints:E:Certificate: it has both a file, Path, and a certificate of a store, Subject\n  hint: remove Path or Subject\n"},
		{"a key alone", in(atEndpoint, `{"Url": "https://*:1", "Certificate": {"KeyPath": "a"}}`), "a.json:1:83: Kestrel:Endpoints:E:Certificate:KeyPath: there is a key, but no certificate: Path is not said\n  hint: write Path too\n"},
		{
			"a store", in(atEndpoint, `{"Url": "https://*:1", "Certificate": {"Subject": "a", "Location": "here", "AllowInvalid": 1}}`),
			"a.json:1:100: Kestrel:Endpoints:E:Certificate:Location: \"here\" is no location of a store\n  hint: write CurrentUser or LocalMachine\n" +
				"a.json:1:124: Kestrel:Endpoints:E:Certificate:AllowInvalid: \"1\" is neither true nor false\n  hint: write true or false\n",
		},
		{
			"hosts", in(atEndpoint, `{"Url": "https://*:1", "Sni": {"": {}, "127.0.0.1": {}, "a.": {}, "a*.b": {}, "*.": {}, "ü.de": {}}}`),
			"a.json:1:64: Kestrel:Endpoints:E:Sni:: a part of the host name is empty\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:72: Kestrel:Endpoints:E:Sni:127.0.0.1: clients do not name IP addresses\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:89: Kestrel:Endpoints:E:Sni:a.: a part of the host name is empty\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:99: Kestrel:Endpoints:E:Sni:a*.b: it is no host name: letters, digits and - stand between dots\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:111: Kestrel:Endpoints:E:Sni:*.: a part of the host name is empty\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:121: Kestrel:Endpoints:E:Sni:ü.de: clients name this host in its ASCII form, which begins with xn--\n  hint: write a host name, *.suffix or *\n",
		},
		{
			"numbers", in(atLimits, `{"MaxConcurrentConnections": 0, "MaxConcurrentUpgradedConnections": -1, "MaxRequestBodySize": 0, "MaxRequestLineSize": null, "MaxRequestHeaderCount": 1.5, "MaxRequestHeadersTotalSize": 2147483648}`),
			"a.json:1:53: Kestrel:Limits:MaxConcurrentConnections: it must be 1 or more, not 0\n  hint: write null for no limit\n" +
				"a.json:1:92: Kestrel:Limits:MaxConcurrentUpgradedConnections: it must be 1 or more, not -1\n  hint: write null for no limit\n" +
				"a.json:1:118: Kestrel:Limits:MaxRequestBodySize: 0 is not supported here\n  hint: write 1 or more\n" +
				"a.json:1:143: Kestrel:Limits:MaxRequestLineSize: it must be a number\n  hint: leave it out for the default\n" +
				"a.json:1:174: Kestrel:Limits:MaxRequestHeaderCount: \"1.5\" is not a whole number\n" +
				"a.json:1:209: Kestrel:Limits:MaxRequestHeadersTotalSize: it must be from 1 to 2147483647, not 2147483648\n",
		},
		{
			"times", in(atLimits, `{"KeepAliveTimeout": "2m", "RequestHeadersTimeout": "00:00:00", "Http2": {"KeepAlivePingDelay": "00:00:00.9", "KeepAlivePingTimeout": null}}`),
			"a.json:1:45: Kestrel:Limits:KeepAliveTimeout: \"2m\" is not a time\n  hint: write hours:minutes:seconds, such as 00:02:00; a number alone is days\n" +
				"a.json:1:76: Kestrel:Limits:RequestHeadersTimeout: it must be more than 0, not \"00:00:00\"\n  hint: write -00:00:00.0010000 for no limit\n" +
				"a.json:1:120: Kestrel:Limits:Http2:KeepAlivePingDelay: it must be 1s or more, not \"00:00:00.9\"\n  hint: write -00:00:00.0010000 for no limit\n" +
				"a.json:1:158: Kestrel:Limits:Http2:KeepAlivePingTimeout: it must be a time\n  hint: write -00:00:00.0010000 for no limit\n",
		},
		{
			"rates", in(atLimits, `{"MinRequestBodyDataRate": {"BytesPerSecond": 0, "GracePeriod": "00:00:01"}, "MinResponseDataRate": 240}`),
			"a.json:1:70: Kestrel:Limits:MinRequestBodyDataRate:BytesPerSecond: it must be a number above 0, not \"0\"\n  hint: write null in place of the object for no limit\n" +
				"a.json:1:88: Kestrel:Limits:MinRequestBodyDataRate:GracePeriod: it must be more than 1s and less than 292 years, not \"00:00:01\"\n" +
				"a.json:1:124: Kestrel:Limits:MinResponseDataRate: it is a value where keys should stand\n  hint: write \"MinResponseDataRate\": { ... }\n",
		},
		{
			"objects in the place of values", in(atLimits, `{"MaxRequestLineSize": {"a": 1}, "KeepAliveTimeout": [1], "MinResponseDataRate": {"BytesPerSecond": [1], "GracePeriod": null}}`),
			"a.json:1:25: Kestrel:Limits:MaxRequestLineSize: it has keys or elements where one value should stand\n" +
				"a.json:1:57: Kestrel:Limits:KeepAliveTimeout: it has keys or elements where one value should stand\n" +
				"a.json:1:106: Kestrel:Limits:MinResponseDataRate:BytesPerSecond: it has keys or elements where one value should stand\n" +
				"a.json:1:144: Kestrel:Limits:MinResponseDataRate:GracePeriod: it must be a time\n  hint: leave it out for the default\n",
		},
		{"long hosts", in(atEndpoint, `{"Url": "https://*:1", "Sni": {"`+strings.Repeat("a", 64)+`": {}, "`+strings.Repeat("a.", 127)+`": {}}}`),
			"a.json:1:64: Kestrel:Endpoints:E:Sni:" + strings.Repeat("a", 64) + ": a part of a host name has at most 63 characters\n  hint: write a host name, *.suffix or *\n" +
				"a.json:1:136: Kestrel:Endpoints:E:Sni:" + strings.Repeat("a.", 127) + ": a host name has at most 253 characters\n  hint: write a host name, *.suffix or *\n",
		},
		{"a buffer", in(atLimits, `{"MaxRequestBufferSize": 8192}`), "a.json:1:49: Kestrel:Limits:MaxRequestBufferSize: MaxRequestBufferSize, 8192, is less than MaxRequestHeadersTotalSize, 32768\n"},
		{"a line", in(atLimits, `{"MaxRequestLineSize": 1048577}`), "a.json:1:47: Kestrel:Limits:MaxRequestLineSize: MaxRequestBufferSize, 1048576, is less than MaxRequestLineSize, 1048577\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := load([]string{test.file}, nil)
			if err == nil {
				t.Fatalf("%s is read as %s", test.file, s.JSON())
			}
			if got := hints(all(t, err)); got != test.want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", test.file, got, test.want)
			}
		})
	}
}

func TestErrorsOfSeveralSources(t *testing.T) {
	t.Parallel()
	_, err := load([]string{
		`{"Kestrel": {"AddServerHeader": "no", "Limits": {"MaxRequestLineSize": "x"}}}`,
		`{"Kestrel": {"Limits": {"MaxRequestLineSize": "y"}}}`,
	}, []string{"Kestrel__Limits__MaxRequestHeaderCount=z", "ASPNETCORE_Kestrel__Endpoints__A__Protocols=Http1"})
	want := `a.json:1:33: Kestrel:AddServerHeader: "no" is neither true nor false
b.json:1:47: Kestrel:Limits:MaxRequestLineSize: "y" is not a whole number
ASPNETCORE_Kestrel__Endpoints__A__Protocols: Kestrel:Endpoints:A: the endpoint "A" has no Url
Kestrel__Limits__MaxRequestHeaderCount: Kestrel:Limits:MaxRequestHeaderCount: "z" is not a whole number`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	s, err := load([]string{`{"Kestrel": {
  "Endpoint": {}, "Something": 1,
  "Endpoints": {"A": {"Url": "https://*:1", "Protocol": "Http1", "Certificate": {"Password": "secret", "Pth": "x"}}},
  "Certificates": {"Other": {"Path": "x"}},
  "EndpointDefaults": {"Url": "http://*:1"},
  "Limits": {"KeepAliveTimeout": "130", "RequestHeadersTimeout": "00:00:30", "Http2": {"MaxFrame": 1}}
}}`}, []string{"Kestrel__=1"})
	want := `a.json:2:3: Kestrel:Endpoint: there is no such key
  hint: did you mean Endpoints?
a.json:2:19: Kestrel:Something: there is no such key
a.json:3:45: Kestrel:Endpoints:A:Protocol: there is no such key
  hint: did you mean Protocols?
a.json:3:66: Kestrel:Endpoints:A:Certificate: it names no certificate, and has no effect
  hint: write Path or Subject
a.json:3:104: Kestrel:Endpoints:A:Certificate:Pth: there is no such key
  hint: did you mean Path?
a.json:4:20: Kestrel:Certificates:Other: nothing uses it: Default and Development are used
a.json:5:24: Kestrel:EndpointDefaults:Url: there is no such key
a.json:6:14: Kestrel:Limits:KeepAliveTimeout: 130 is as many days, as .NET reads it
  hint: write hours:minutes:seconds, such as 00:02:00
a.json:6:88: Kestrel:Limits:Http2:MaxFrame: there is no such key
Kestrel__: Kestrel:: there is no such key
`
	if got := hints(s.Warnings); err != nil || got != want {
		t.Errorf("got %v and:\n%s\nwant:\n%s", err, got, want)
	}
}
