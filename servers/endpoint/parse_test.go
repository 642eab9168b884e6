package endpoint

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Endpoint
		text string // of String
	}{
		{"http://localhost:5000", Endpoint{Scheme: "http", Host: "localhost", Port: 5000}, "http://localhost:5000"},
		{"http://localhost:5000/", Endpoint{Scheme: "http", Host: "localhost", Port: 5000}, "http://localhost:5000"},
		{"HTTPS://LocalHost", Endpoint{Scheme: "https", Host: "LocalHost", Port: 443}, "https://LocalHost:443"},
		{"http://api.local", Endpoint{Scheme: "http", Host: "api.local", Port: 80}, "http://api.local:80"},
		{"http://*:0", Endpoint{Scheme: "http", Host: "*"}, "http://*:0"},
		{"http://+:080", Endpoint{Scheme: "http", Host: "+", Port: 80}, "http://+:80"},
		{"http://*.example.com:1", Endpoint{Scheme: "http", Host: "*.example.com", Port: 1}, "http://*.example.com:1"},
		{"http://1.2.3.4:65535", Endpoint{Scheme: "http", Host: "1.2.3.4", Port: 65535}, "http://1.2.3.4:65535"},
		{"http://127.0.0.1.xip.io", Endpoint{Scheme: "http", Host: "127.0.0.1.xip.io", Port: 80}, "http://127.0.0.1.xip.io:80"},
		{"http://[::1]:5000", Endpoint{Scheme: "http", Host: "::1", Port: 5000}, "http://[::1]:5000"},
		{"http://[::]", Endpoint{Scheme: "http", Host: "::", Port: 80}, "http://[::]:80"},
		{"http://[fe80::1%eth0]:1", Endpoint{Scheme: "http", Host: "fe80::1%eth0", Port: 1}, "http://[fe80::1%25eth0]:1"},
		{"http://[fe80::1%25eth0]:1", Endpoint{Scheme: "http", Host: "fe80::1%eth0", Port: 1}, "http://[fe80::1%25eth0]:1"},
		{"http://[fe80::1%25]:1", Endpoint{Scheme: "http", Host: "fe80::1%25", Port: 1}, "http://[fe80::1%2525]:1"},
		{"http://my_host-1:1", Endpoint{Scheme: "http", Host: "my_host-1", Port: 1}, "http://my_host-1:1"},
		{"http://bücher.例え:1", Endpoint{Scheme: "http", Host: "bücher.例え", Port: 1}, "http://bücher.例え:1"},
		{"http://h:1/a/b%20c//", Endpoint{Scheme: "http", Host: "h", Port: 1, Path: "/a/b%20c"}, "http://h:1/a/b%20c"},
		{"http://h:1//", Endpoint{Scheme: "http", Host: "h", Port: 1}, "http://h:1"},
		{"http://h/a,b", Endpoint{Scheme: "http", Host: "h", Port: 80, Path: "/a,b"}, "http://h:80/a,b"},
		{"http://unix:/run/x.sock", Endpoint{Scheme: "http", Unix: "/run/x.sock"}, "http://unix:/run/x.sock"},
		{"https://unix:/run/my app.sock:/base/", Endpoint{Scheme: "https", Unix: "/run/my app.sock", Path: "/base"}, "https://unix:/run/my app.sock:/base"},
		{"http://unix:/run/x.sock:/", Endpoint{Scheme: "http", Unix: "/run/x.sock"}, "http://unix:/run/x.sock"},
		{"http://unix:/c:/run/x.sock:/base", Endpoint{Scheme: "http", Unix: "c:/run/x.sock", Path: "/base"}, "http://unix:/c:/run/x.sock:/base"},
		{`http://unix:/C:\run\x.sock`, Endpoint{Scheme: "http", Unix: `C:\run\x.sock`}, `http://unix:/C:\run\x.sock`},
		{"http://unix", Endpoint{Scheme: "http", Host: "unix", Port: 80}, "http://unix:80"},
	} {
		got, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %#v\nwant %#v", c.in, got, c.want)
		}
		if got.String() != c.text {
			t.Errorf("%s: prints as %s, want %s", c.in, got, c.text)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, reason, hint string }{
		{"", "it is empty", "http://localhost:5000"},
		{`"http://localhost:5000"`, "it is in quotation marks", "leave the quotation marks out"},
		{"'http://localhost:5000'", "it is in quotation marks", "leave the quotation marks out"},
		{"\"", "it has no scheme", "such as http://"},
		{"not a url", "it has no scheme", "such as http://"},
		{"67890", "the port 67890 is above 65535", "65535"},
		{"5000", "it is only a port", "write http://localhost:5000"},
		{":5000", "it is only a port", "write http://localhost:5000"},
		{"localhost:5000", "it has no scheme", "write http://localhost:5000"},
		{"//x", "it has no scheme", "write http://x"},
		{"http:/localhost:5000", "there is no :// after http", "http://localhost"},
		{"https//localhost", "there is no :// after https", "http://localhost"},
		{"hhttp://localhost:5000", `the scheme "hhttp" is neither http nor https`, "begin with http://"},
		{"://:5000", `the scheme "" is neither`, "begin with http://"},
		{"ftp://localhost", `the scheme "ftp"`, "begin with http://"},
		{"http://", "it has no host", "* for every address"},
		{"http://:5000", "it has no host", "* for every address"},
		{"http:///x", "it has no host", "* for every address"},
		{"http://localhost:", "there is no port after the colon", "0 (any free port)"},
		{"http://localhost:{port}", `the port "{port}" is not a number`, "0 (any free port)"},
		{"http://localhost:-1", `the port "-1" is not a number`, "0 (any free port)"},
		{"http://localhost: 80", `the port " 80" is not a number`, "0 (any free port)"},
		{"http://localhost:٣٠", `the port "٣٠" is not a number`, "0 (any free port)"},
		{"http://localhost:70000", "the port 70000 is above 65535", "0 (any free port)"},
		{"http://localhost:99999999999999999999", "is above 65535", "0 (any free port)"},
		{"http://a:1,http://b:2", "it is more than one address", "separate several by ;"},
		{"http://a:1;http://b:2", "it is more than one address", "separate several by ;"},
		{"http://a:1 http://b:2", "it is more than one address", "separate several by ;"},
		{"http://a:1;", "it is more than one address", "separate several by ;"},
		{"http://a:1,b:2", "a comma does not separate", "separate several by ;"},
		{"http://me:secret@host:1", "no user name", ""},
		{"http://host?x=1", "no query", "leave out"},
		{"http://host:80/a?x=1", "no query", "leave out"},
		{"http://host:80#top", "no query", "leave out"},
		{"http://host:80/a b", "a space or a backslash", ""},
		{`http://host:80\a`, "a space or a backslash", ""},
		{"http://my host:80", `"my host" is not a host name`, ""},
		{"http://" + strings.Repeat("a", 254), "254 bytes, and no name has more than 253", ""},
		{"http://a..b:80", `"a..b" is not a host name`, ""},
		{"http://localhost.:80", `"localhost." is not a host name`, ""},
		{"http://**:80", `"**" is not a host name`, ""},
		{"http://${HOST}:80", `"${HOST}" is not a host name`, ""},
		{"http://local%20host:80", `"local%20host" is not a host name`, ""},
		{"http://host/100%", "a percent sign", "write %25"},
		{"http://127.1:80", "127.1 is not an IPv4 address", "four numbers"},
		{"http://1.2.3.256", "1.2.3.256 is not an IPv4 address", "four numbers"},
		{"http://0x7f000001", "0x7f000001 is not an IPv4 address", "four numbers"},
		{"http://::1:5000", "more than one colon", "in brackets"},
		{"http://[::1:5000", "the bracket is not closed", "in brackets"},
		{"http://[::1]5000", `"5000" follows the bracket`, "in brackets"},
		{"http://[127.0.0.1]:80", "[127.0.0.1] is not an IPv6 address", "in brackets"},
		{"http://[fe80::1%]:80", "is not an IPv6 address", "in brackets"},
		{"http://[fe80::1%a/b]:80", "the bracket is not closed", "in brackets"},
		{"http://unix:/", "no file name", "absolute path"},
		{"http://unix:/run/", "no file name", "absolute path"},
		{"http://unix:/c:/", "no file name", "absolute path"},
		{"http://unix:run/x.sock", "an absolute path", "http://unix:/run"},
		{"http://unix:", "no port", "0 (any free port)"},
		{"http://unix:/x.sock:base", "begins with /", ":/base"},
		{"http://pipe:/name", "named pipes", "unix"},
		{"http://h\x00:80", "control character", ""},
		{"http://h\n:80", "control character", ""},
		{"http://\xff:80", "not valid UTF-8", ""},
	} {
		got, err := Parse(c.in)
		problem, ok := errors.AsType[*ParseError](err)
		if !ok {
			t.Errorf("%q: got %#v and %v, want a *ParseError", c.in, got, err)
			continue
		}
		if problem.Input != c.in || !strings.Contains(problem.Reason, c.reason) || !strings.Contains(problem.Hint(), c.hint) {
			t.Errorf("%q: got %v (%s), want %q (%s)", c.in, err, problem.Hint(), c.reason, c.hint)
		}
		if got != (Endpoint{}) {
			t.Errorf("%q: a value beside the error: %#v", c.in, got)
		}
	}
}

// What is absurdly long is not repeated whole.
func TestLongInput(t *testing.T) {
	t.Parallel()
	_, err := Parse("http://" + strings.Repeat("a", 100_000))
	if err == nil {
		t.Fatal("it is taken for a URL")
	}
	if n := len(err.Error()); n > 500 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestParseList(t *testing.T) {
	t.Parallel()
	got, err := ParseList(" https://localhost:5001 ;; http://localhost:5000;")
	want := []Endpoint{{Scheme: "https", Host: "localhost", Port: 5001}, {Scheme: "http", Host: "localhost", Port: 5000}}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	got, err = ParseList("nonsense;http://localhost:5000;http://x:99999")
	if diff := cmp.Diff(want[1:], got); diff != "" {
		t.Errorf("those that can be read (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "nonsense") || !strings.Contains(err.Error(), "99999") {
		t.Errorf("both problems are to be named: %v", err)
	}
	for _, blank := range []string{"", " ", ";", " ; ;"} {
		if got, err := ParseList(blank); got != nil || err != nil {
			t.Errorf("%q: got %v, %v", blank, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"http://localhost:5000", "https://[fe80::1%25eth0]:0/base/", "http://unix:/c:/x.sock:/base", "http://unix:/run/x.sock",
		"http://*:80", "http://bücher:1/%41", "not a url", "http://localhost:{port}", "https:////", "http://[::1%2525]:1", "http://unix:/run ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			if _, ok := errors.AsType[*ParseError](err); !ok {
				t.Fatalf("%q: the error is a %T", s, err)
			}
			return
		}
		again, err := Parse(e.String())
		if err != nil || again != e {
			t.Fatalf("%q: %#v prints as %q, which reads as %#v, %v", s, e, e, again, err)
		}
		if list, err := ParseList(e.String()); err != nil || len(list) != 1 || list[0] != e {
			t.Fatalf("%q: as a list %#v, %v", s, list, err)
		}
		for _, addr := range e.WithPort(1).Addrs() {
			if !e.WithPort(1).Accepts(addr) {
				t.Fatalf("%q: does not accept its own address %v", s, addr)
			}
		}
		if url := e.Browse(); url != "" {
			if _, err := Parse(url); err != nil {
				t.Fatalf("%q: Browse: %v", s, err)
			}
		}
	})
}
