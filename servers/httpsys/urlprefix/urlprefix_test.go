package urlprefix

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The rows of UrlPrefixTests (reference: servers.md, 4.2) that give a prefix, and those that are ours.
func TestParse(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text, want string // want: String
		kind       Kind
		base       string
		local      bool
	}{
		{"http://localhost", "http://localhost:80/", Name, "", true},
		{"http://www.example.com", "http://www.example.com:80/", Name, "", false},
		{"https://www.example.com", "https://www.example.com:443/", Name, "", false},
		{"http://www.example.com/", "http://www.example.com:80/", Name, "", false},
		{"http://www.example.com/foo", "http://www.example.com:80/foo/", Name, "/foo", false},
		{"http://www.example.com:5000", "http://www.example.com:5000/", Name, "", false},
		{"https://www.example.com:5000", "https://www.example.com:5000/", Name, "", false},
		{"http://www.example.com:5000/", "http://www.example.com:5000/", Name, "", false},
		{"http://www.example.com:5000/foo/bar/", "http://www.example.com:5000/foo/bar/", Name, "/foo/bar", false},
		{"http://+", "http://+:80/", Strong, "", false},
		{"HTTP://*:8080/", "http://*:8080/", Weak, "", false},
		{"HttpS://WWW.Example.COM/Base", "https://www.example.com:443/Base/", Name, "/Base", false},
		{"http://127.0.0.1:5000", "http://127.0.0.1:5000/", IP, "", true},
		{"http://10.0.0.1:5000/", "http://10.0.0.1:5000/", IP, "", false},
		{"http://[::1]:5000/", "http://[::1]:5000/", IP, "", true},
		{"http://[::1]", "http://[::1]:80/", IP, "", true},
		{"http://[2001:DB8::0001]:5000/", "http://[2001:db8::1]:5000/", IP, "", false},
		{"http://[::ffff:10.0.0.1]:5000/", "http://10.0.0.1:5000/", IP, "", false},
		{"http://localhost:0", "http://localhost:0/", Name, "", true},
		{"http://localhost:8080/p\u0041\u030Athbase", "http://localhost:8080/p\u0041\u030Athbase/", Name, "/p\u0041\u030Athbase", true}, // not normalised
		{"http://localhost:8080/a%2fb", "http://localhost:8080/a%2fb/", Name, "/a%2fb", true},
		{"http://localhost/*", "http://localhost:80/*/", Name, "/*", true},
		{"http://api.localhost:1", "http://api.localhost:1/", Name, "", true},
		{"http://notlocalhost:65535", "http://notlocalhost:65535/", Name, "", false},
		{"http://*.example.com", "http://*.example.com:80/", Name, "", false},
		{"http://Bücher.example/", "http://bücher.example:80/", Name, "", false},
		{"http://0.0.0.0:5000", "http://*:5000/", Weak, "", false},
		{"http://[::]:5000/x", "http://*:5000/x/", Weak, "/x", false},
		{"http://my_service-1:5000", "http://my_service-1:5000/", Name, "", false},
	}
	for _, row := range rows {
		p, err := Parse(row.text)
		if err != nil {
			t.Errorf("%q: %v", row.text, err)
			continue
		}
		if p.String() != row.want || p.Kind() != row.kind || p.PathBase() != row.base || p.Local() != row.local {
			t.Errorf("%q: got %v, kind %d, base %q, local %t; want %s, %d, %q, %t", row.text,
				p, p.Kind(), p.PathBase(), p.Local(), row.want, row.kind, row.base, row.local)
		}
	}
	fmt.Printf("count: %d prefixes of servers.md 4.2 are read\n", len(rows))
}

// The rows that are refused, and why.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	rows := []struct{ text, reason, hint string }{
		{"", "it is empty", "http://localhost:5000/"},
		{"  ", "it is empty", ""},
		{"5000", "there is no scheme", "http://localhost:5000/"},
		{"//noscheme", "there is no scheme", ""},
		{"localhost:5000", "there is no scheme", ""},
		{"://emptyscheme", `the scheme "" is neither http nor https`, "http://"},
		{"://", "neither http nor https", ""},
		{"://:5000", "neither http nor https", ""},
		{"http+unix://www.example.com", `the scheme "http+unix" is neither`, ""},
		{"ftp://www.example.com", "neither http nor https", ""},
		{"http://", "it has no host", "+ for every host"},
		{"http://:5000", "it has no host", ""},
		{"http:///", "it has no host", ""},
		{"http:///:5000", "it has no host", ""},
		{"http:////", "it has no host", ""},
		{"http:////:5000", "it has no host", ""},
		{"http://www.example.com:NOTAPORT", `the port "NOTAPORT" is not a number`, "1 to 65535"},
		{"https://www.example.com:NOTAPORT", "is not a number", ""},
		{"http://www.example.com:NOTAPORT/", "is not a number", ""},
		{"http://foo:/tmp/kestrel-test.sock:5000/doesn't/matter", "there is no port after the colon", ""},
		{"http://www.example.com:", "there is no port after the colon", ""},
		{"http://www.example.com:65536", "above 65535", ""},
		{"http://www.example.com:99999999999999999999", "above 65535", ""},
		{"http://www.example.com:080", "begins with a zero", ""},
		{"http://www.example.com:00", "begins with a zero", ""},
		{"http://www.example.com:-1", "is not a number", ""},
		{"http://www.example.com/foo?bar=baz", "no query", "leave out"},
		{"http://www.example.com/foo#bar", "no query and no fragment", ""},
		{"http://xn--bcher-kva.example/", "punycode", "bücher"},
		{"http://user@host/", "no user name", ""},
		{"http://::1:5000/", "more than one colon", "[::1]"},
		{"http://[::1/", "bracket is not closed", ""},
		{"http://[::1]5000/", "follows the bracket", ""},
		{"http://[1.2.3.4]/", "is not an IPv6 address", ""},
		{"http://[fe80::1%25eth0]/", "zone", ""},
		{"http://[fe80::1%eth0]/", "zone", ""},
		{"http://127.1/", "is not an IPv4 address", "four numbers"},
		{"http://256.0.0.1/", "is not an IPv4 address", ""},
		{"http://0x7f000001/", "is not an IPv4 address", ""},
		{"http://a..b/", "is not a host name", ""},
		{"http://a.*.b/", "is not a host name", ""},
		{"http://**/", "is not a host name", ""},
		{"http://a,b/", "is not a host name", ""},
		{"http://" + strings.Repeat("a", 64) + "/", "more than 63 bytes", ""},
		{"http://" + strings.Repeat("a.", 130) + "a/", "more than 253 bytes", ""},
		{"http://a/b\\c", "backslash", "write /"},
		{"http://a/b c", "blank", "%20"},
		{" http://a/", "begins or ends with a blank", "remove it"},
		{"http://a/\x00", "control character", ""},
		{"http://a/\xff", "not valid UTF-8", ""},
		{"http://a/%zz", "percent sign", "%25"},
		{"http://a/b%2", "percent sign", ""},
		{"http://a//b", "empty segment", ""},
		{"http://a/b/../c", "dot segment", ""},
		{"http://a/%2E%2e", "dot segment", ""},
		{"http://a/./", "dot segment", ""},
		{"http://a/" + strings.Repeat("x", 1024), "more than 1024 bytes", ""},
		{"http://a/;http://b/", "more than one", "separate"},
	}
	for _, row := range rows {
		p, err := Parse(row.text)
		problem, ok := errors.AsType[*ParseError](err)
		if !ok || p != (Prefix{}) {
			t.Errorf("%q: got %v, %v", row.text, p, err)
			continue
		}
		if problem.Text != row.text || !strings.Contains(problem.Reason, row.reason) || !strings.Contains(problem.Hint(), row.hint) || strings.Contains(problem.Hint(), "%%") {
			t.Errorf("%q: got %v (hint: %s), want %q (hint: %q)", row.text, err, problem.Hint(), row.reason, row.hint)
		}
		if len(err.Error()) > 700 {
			t.Errorf("%q…: the message has %d bytes", row.text[:20], len(err.Error()))
		}
	}
	fmt.Printf("count: %d texts are refused as servers.md 4.2 says, or for a reason of ours\n", len(rows))
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"http://a:80/Base", "HTTP://A/base/", true},
		{"http://a/%62ase", "http://a/base", true},
		{"http://a/%C3%89t%C3%A9", "http://a/étÉ", true},
		{"http://a/a%2Fb", "http://a/a%2fb", true},
		{"http://a/a%2Fb", "http://a/a/b", false},
		{"http://a/a%2Fb", "http://a/a%252Fb", false},
		{"http://a/", "https://a/", false},
		{"http://a/", "http://a:81/", false},
		{"http://+/", "http://*/", false},
		{"http://[::1]/", "http://[0::1]/", true},
	} {
		if a, b := must(t, row.a).Key(), must(t, row.b).Key(); (a == b) != row.same {
			t.Errorf("%s is %s, and %s is %s", row.a, a, row.b, b)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ prefix, path, base, rest string }{
		{"http://a/", "/x/y", "", "/x/y"},
		{"http://a/base", "/BASE/x", "/BASE", "/x"},
		{"http://a/base", "/Base", "/Base", ""},
		{"http://a/base", "/base/", "/base", "/"},
		{"http://a/b/c", "/b/c/d/e", "/b/c", "/d/e"},
		{"http://a/b%2fc", "/b%2Fc/d", "/b%2Fc", "/d"},
		{"http://a/é", "/%C3%A9/d", "/%C3%A9", "/d"},
	} {
		if base, rest := must(t, row.prefix).Split(row.path); base != row.base || rest != row.rest {
			t.Errorf("%s, %s: got %q, %q", row.prefix, row.path, base, rest)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reservation, prefix string
		want                bool
	}{
		{"http://+:80/", "http://+:80/", true},
		{"http://+:80/", "http://+:80/api/", true},
		{"http://+:80/API", "http://+:80/api/v1", true},
		{"http://+:80/api", "http://+:80/", false},
		{"http://+:80/api", "http://+:80/apis", false},
		{"http://+:80/", "http://*:80/", false}, // to the letter
		{"http://+:80/", "http://localhost:80/", false},
		{"http://+:80/", "https://+:80/", false},
		{"http://+:80/", "http://+:81/", false},
	} {
		if got := Covers(must(t, row.reservation), must(t, row.prefix)); got != row.want {
			t.Errorf("%s covers %s: %t", row.reservation, row.prefix, got)
		}
	}
}

// The examples of RFC 3492, 7.1, in lower case, and what browsers write.
func TestPunycode(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"plain.example":    "plain.example",
		"bücher.example":   "xn--bcher-kva.example",
		"*.bücher.example": "*.xn--bcher-kva.example",
		"münchen.ö.de":     "xn--mnchen-3ya.xn--nda.de",
		"пример.испытание": "xn--e1afmkfd.xn--80akhbyknj4f",
		"他们为什么不说中文":        "xn--ihqwcrb4cv8a8dqg056pqjye",
		"3年b組金八先生":         "xn--3b-ww4c5e180e575a65lsy2b",
		"почемужеонинеговорятпорусски":             "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"porquénopuedensimplementehablarenespañol": "xn--porqunopuedensimplementehablarenespaol-fmd56a",
	} {
		if got := asciiName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
