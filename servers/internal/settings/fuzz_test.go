package settings

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/servers/limits"
)

// FuzzLoad holds what must be true of every source: no panic, every fault has a place inside it, and what loads is printed
// as a file that loads to the same.
func FuzzLoad(f *testing.F) {
	f.Add(`{"Kestrel": {"Endpoints": {"A": {"Url": "https://localhost:1", "Protocols": "Http1", "Sni": {"*.a": {"SslProtocols": ["Tls12"]}}}}}}`, "")
	f.Add(`{"Kestrel:Limits": {"KeepAliveTimeout": "1", "MinResponseDataRate": {"BytesPerSecond": 1.5, "GracePeriod": "0:0:2"}}}`, "Kestrel__Limits__Http2__MaxFrameSize=16384")
	f.Add(`{"Kestrel": {"EndpointDefaults": {"ClientCertificateMode": "AllowCertificate"}, "Certificates": {"Default": {"Path": "a"}}}}`, "ASPNETCORE_Kestrel__Endpoints__B__Url=http://*:1")
	f.Add("{ // x\r\"Kestrel\": [null, {\"a\": \"\\ud800\"},], }", "DOTNET_Kestrel:\xff:=\xff")
	for _, name := range withoutMeaning {
		f.Add(`{"Kestrel": {"`+name+`": true}}`, "Kestrel__"+name+"=false")
	}
	f.Fuzz(func(t *testing.T, file, environ string) {
		s, err := load([]string{file}, strings.Split(environ, "\n"))
		problems := slices.Clone(s.Warnings)
		if err != nil {
			problems = append(problems, all(t, err)...)
		}
		lines := newSource("", 0, []byte(file)).lines
		for _, e := range problems {
			if e.File != "a.json" {
				continue
			}
			if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(file)+1 {
				t.Errorf("%v is outside of %q", e, file)
			}
			if e.Reason == "" || strings.Contains(e.Error(), "%!") {
				t.Errorf("bad reason: %q", e.Error())
			}
		}
		if err == nil {
			roundTrip(t, s)
		} else if again := new(Error); !errors.As(err, &again) {
			t.Errorf("%v is no *Error", err)
		}
	})
}

// keys are all keys that mean something below Kestrel, with the names A for an endpoint and *.a for a host.
func keys() []string {
	list := []string{"AddServerHeader", "Endpoints:A:Url", "Certificates:Development:Password"}
	for _, at := range []string{"EndpointDefaults", "Endpoints:A", "Endpoints:A:Sni:*.a"} {
		list = append(list, at+":Protocols", at+":SslProtocols:0", at+":SslProtocols:1", at+":ClientCertificateMode")
	}
	for _, at := range []string{"Certificates:Default", "Endpoints:A:Certificate", "Endpoints:A:Sni:*.a:Certificate"} {
		for _, name := range []string{"Path", "KeyPath", "Password", "Subject", "Store", "Location", "AllowInvalid"} {
			list = append(list, at+":"+name)
		}
	}
	for _, p := range limitsJSON(limits.Defaults()) {
		inner, ok := p.value.(object)
		if !ok {
			list = append(list, "Limits:"+p.name)
		}
		for _, below := range inner {
			list = append(list, "Limits:"+p.name+":"+below.name)
		}
	}
	return list
}

// FuzzKeys sets known keys to values that fit some of them: pairs of bytes choose both.
func FuzzKeys(f *testing.F) {
	known := keys()
	values := []string{
		"", "1", "0", "-1", "16384", "70000", "2147483648", "1.5", "true", "False", "00:00:02", "-00:00:00.0010000", "1.02:03:04.0000005", "24:00:00",
		"https://localhost:1", "http://*:2", "http://unix:/a", "Http1", "Http1AndHttp2AndHttp3", "Http1, Http3", "Tls11", "tls12", "Tls13", "None",
		"RequireCertificate", "NoCertificate", "LocalMachine", "\u00e4<\u2028",
	}
	for i := range known {
		f.Add([]byte{1, 14, byte(i), 1, byte(i + 1), 14, byte(i + 2), 21, byte(i + 3), 12})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		var environ []string
		for pair := range slices.Chunk(choices, 2) {
			environ = append(environ, "Kestrel:"+known[int(pair[0])%len(known)]+"="+values[int(pair[len(pair)-1])%len(values)])
		}
		s, err := load(nil, environ)
		if err != nil {
			hints(all(t, err))
			return
		}
		roundTrip(t, s)
		if again, err := load([]string{string(s.JSON())}, nil); err != nil || string(again.JSON()) != string(s.JSON()) {
			t.Errorf("%v: printed as\n%s\nand then as\n%s", err, s.JSON(), again.JSON())
		}
	})
}
