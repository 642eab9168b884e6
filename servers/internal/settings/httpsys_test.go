package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func loadHTTPSys(t *testing.T, text string, environ ...string) (HTTPSys, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadHTTPSys([]string{file}, environ)
}

func TestHTTPSys(t *testing.T) {
	t.Parallel()
	no := false
	got, err := loadHTTPSys(t, `{"Kestrel": {"Wrong": 1}, "HttpSys": {
		"UrlPrefixes": ["http://+:80/a/", "http://+:80/b/"], "RequestQueueName": "q", "requestQueueMode": "attach", "RequestQueueLimit": 7,
		"Http503Verbosity": "Full", "ClientCertificateMethod": "NoCertificate", "MaxAccepts": 3, "MaxConnections": -1,
		"MaxRequestBodySize": null, "EnableResponseCaching": false, "AllowSynchronousIO": true,
		"Timeouts": {"EntityBody": "00:01:00", "DrainEntityBody": "00:01:01", "RequestQueue": "00:01:02", "IdleConnection": "00:01:03",
			"HeaderWait": "00:01:04", "MinSendBytesPerSecond": 4294967295}}}`,
		"HttpSys__RequestQueueLimit=8", "HTTPSYS__URLPREFIXES__1=http://+:81/", "Kestrel__Limits=1")
	want := HTTPSys{
		UrlPrefixes: []string{"http://+:80/a/", "http://+:81/"}, RequestQueueName: "q", RequestQueueMode: "Attach", RequestQueueLimit: 8,
		Http503Verbosity: "Full", ClientCertificateMethod: "NoCertificate", MaxAccepts: 3, MaxConnections: -1,
		MaxRequestBodySize: -1, EnableResponseCaching: &no,
		Timeouts: HTTPSysTimeouts{
			EntityBody: 60 * time.Second, DrainEntityBody: 61 * time.Second, RequestQueue: 62 * time.Second, IdleConnection: 63 * time.Second,
			HeaderWait: 64 * time.Second, MinSendBytesPerSecond: -1,
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestHTTPSysPrefixes(t *testing.T) {
	t.Parallel()
	got, err := LoadHTTPSys(nil, []string{"HttpSys__UrlPrefixes=http://+:80/ ; http://+:81/;"})
	if want := []string{"http://+:80/", "http://+:81/"}; err != nil || !reflect.DeepEqual(got.UrlPrefixes, want) {
		t.Errorf("got %q, %v, want %q", got.UrlPrefixes, err, want)
	}
	if got, err := LoadHTTPSys(nil, nil); err != nil || !reflect.DeepEqual(got, HTTPSys{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHTTPSysErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"RequestQueueMode": "Attached"`:            `HttpSys:RequestQueueMode: "Attached" is none of its values`,
		`"RequestQueueLimit": 0`:                    "HttpSys:RequestQueueLimit: it must be from 1 to 2147483647, not 0",
		`"RequestQueueLimit": null`:                 "HttpSys:RequestQueueLimit: it must be a number",
		`"MaxConnections": -2`:                      "HttpSys:MaxConnections: it must be 1 or more, not -2",
		`"Timeouts": {"HeaderWait": "-00:00:01"}`:   "HttpSys:Timeouts:HeaderWait: it must be from 0 to 18h12m15s",
		`"Timeouts": {"MinSendBytesPerSecond": -1}`: "HttpSys:Timeouts:MinSendBytesPerSecond: it must be a number from 0 to 4294967295",
		`"EnableResponseCaching": "perhaps"`:        `"perhaps" is neither true nor false`,
		`"UrlPrefixes": [{"a": 1}]`:                 "HttpSys:UrlPrefixes:0: it has keys or elements where one value should stand",
		`"Http503Verbosity": {"Full": true}`:        "HttpSys:Http503Verbosity: it has keys or elements",
	} {
		_, err := loadHTTPSys(t, `{"HttpSys": {`+text+`}}`)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.json:1:") {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	got, err := loadHTTPSys(t, `{"HttpSys": {"RequestQueuName": "q"}}`)
	if err != nil || len(got.Warnings) != 1 || got.Warnings[0].Hint() != "did you mean RequestQueueName?" {
		t.Errorf("got %v, %v", got.Warnings, err)
	}
}

// TestHTTPSysReference holds that docs/httpsys-settings.md has every key, and that its example loads.
func TestHTTPSysReference(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "httpsys-settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	reference := string(data)
	wants := func(name string) {
		if !strings.Contains(reference, "`"+name+"`") {
			t.Errorf("the reference has no `%s`", name)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[HTTPSys](), reflect.TypeFor[HTTPSysTimeouts]()} {
		for i := range of.NumField() {
			if name := of.Field(i).Name; name != "Warnings" {
				wants(name)
			}
		}
	}
	for _, names := range [][]string{httpSysModes, httpSysVerbosities, httpSysCertificates, httpSysWithoutMeaning} {
		for _, name := range names {
			wants(name)
		}
	}
	_, example, _ := strings.Cut(reference, "```json\n")
	example, _, _ = strings.Cut(example, "```\n")
	if s, err := loadHTTPSys(t, example); err != nil || len(s.Warnings) > 0 || s.RequestQueueName == "" || len(s.UrlPrefixes) == 0 {
		t.Errorf("the example gives %+v, %v", s, err)
	}
}
