package page

import (
	"net/http"
	"strings"
	"testing"
)

func TestRedaction(t *testing.T) {
	t.Parallel()
	const token = "0b1c7a3e-53cd-4d6f-9c8b-2f8a3d1e77aa"
	for name, test := range map[string]struct{ secret, text, want string }{
		"alone":                     {token, token, "***"},
		"in a line":                 {token, "token=" + token + ";", "token=***;"},
		"twice":                     {token, token + token + " " + token, "*** ***"},
		"not there":                 {token, "nothing", "nothing"},
		"nothing to hide":           {"", "nothing", "nothing"},
		"blank":                     {"  ", "a  b", "a  b"},
		"over two lines":            {token, "x " + token[:20] + "\n" + token[20:] + " y", "x *** y"},
		"over two lines, CRLF":      {token, "x " + token[:9] + "\r\n" + token[9:], "x ***"},
		"coloured in the middle":    {token, token[:8] + "\x1b[1m" + token[8:] + "\x1b[0m", "***"},
		"coloured and wrapped":      {token, token[:8] + "\x1b[1m\n\x1b[2m" + token[8:], "***"},
		"has an escape sequence":    {"pass\x1b[31mword", "it is password.", "it is ***."},
		"of several lines":          {"-----BEGIN KEY-----\nMIIEabcdef\n-----END KEY-----\n", "key -----BEGIN KEY-----\nMIIEabcdef\n-----END KEY-----\n", "key ***"},
		"of several lines, one":     {"-----BEGIN KEY-----\nMIIEabcdef\n-----END KEY-----\n", "line 2 | MIIEabcdef |", "line 2 | *** |"},
		"quoted":                    {`pass"word\1`, `{"key":"pass\"word\\1"}`, `{"key":"***"}`},
		"in JSON":                   {"a<b>c&d", `"a\u003cb\u003ec\u0026d"`, `"***"`},
		"in a query":                {"a b&c=d/e", "?key=a+b%26c%3Dd%2Fe&x", "?key=***&x"},
		"a URL's password":          {"postgres://app:hunter22@db/x", "password hunter22 refused", "password *** refused"},
		"short, a word":             {"abc", "abc, abcd, _abc, (abc)", "***, abcd, _abc, (***)"},
		"short, not in a number":    {"1", "port 21880, exit 1", "port 21880, exit ***"},
		"begins in the middle":      {token, token[5:] + "\nnext", "***\nnext"},
		"ends in the middle":        {token, "first\n" + token[:30], "first\n***"},
		"neither end":               {token, token[5:30], token[5:30]}, // neither its beginning nor its end
		"cut, too short to matter":  {token, "aa\nnext", "aa\nnext"},
		"wrong UTF-8":               {"pass\xc3word", "pass\xc3word", "***"},
		"half a character":          {"passwor\xc3", "passworé", "***\uFFFD"},
		"beside a control":          {token, token[:4] + "\x00" + token[4:], "***"},
		"beside an invisible":       {token, token[:4] + "\u200b" + token[4:], "***"},
		"written over, still shown": {token, "working\r" + token, "***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRedactor([]string{test.secret})
			if got := strings.TrimRight(r.output(test.text), "\n"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A secret that an escape sequence divides is hidden in every kind of text, not only in output.
func TestRedactionDivided(t *testing.T) {
	t.Parallel()
	r := newRedactor([]string{"hunter22"})
	const text = "key hunt\x1b[1mer22."
	_, whole := r.command([]string{text})
	for name, got := range map[string]string{"text": r.text(text), "line": r.line(text), "output": r.output(text), "command": strings.Trim(whole, "'")} {
		if got != "key ***." {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// Secrets that overlap are hidden whole, whatever their order.
func TestRedactionOverlap(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{"abcdef", "defghi"}, {"defghi", "abcdef"}, {"defghi", "abcdef", "cdef"}} {
		if got := newRedactor(secrets).text("<abcdefghi>"); got != "<***>" {
			t.Errorf("%q: got %q", secrets, got)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	got := strings.Join(Values([]string{"A=1", "B=", "C", "D=x=y", "=C:=C:\\x"}), "|")
	if want := `1|x=y|C:=C:\x`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Nothing that comes from outside shows a secret, in any form of the page.
func TestRedactionEverywhere(t *testing.T) {
	t.Parallel()
	const secret = "hunter2 & <friends>"
	with := func(text string) string { return text + " " + secret + " " + text }
	f := Failure{
		Kind: OutOfProcessStart, Program: "api", Command: []string{"./api", "--key=" + secret, "--key", "hunter2", "&", "<friends>"},
		Attempts: []Attempt{{Err: with("it failed")}}, Signal: with("SIG"), Settings: []Setting{{"arguments", with("x"), with("web.config")}},
		Advice: []string{with("do")}, Detailed: true, Cause: with("why"), Output: strings.Repeat(with("out")+"\n", 40), Redact: []string{secret},
	}
	for _, accept := range []string{chromeAccept, "application/json", "*/*"} {
		body := get(t, f, http.MethodGet, accept).Body.String()
		if strings.Contains(body, "hunter2") || strings.Contains(body, "friends") {
			t.Errorf("%s shows the secret:\n%s", accept, body)
		}
		if !strings.Contains(body, "***") {
			t.Errorf("%s hides nothing:\n%s", accept, body)
		}
	}
}

// What a program has written is there in detail mode alone, and of that the last 30 lines.
func TestOutput(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for i := range 100 {
		all.WriteString(strings.Repeat("x", i) + "!\n")
	}
	f := Failure{Kind: OutOfProcessStart, Output: all.String(), Cause: "because"}
	if p := f.problem(); p.Output != nil || p.Cause != nil {
		t.Errorf("without details there is %q, %q", p.Output, p.Cause)
	}
	f.Detailed = true
	p := f.problem()
	if len(p.Output) != 30 || len(p.Output[0]) != 71 || len(p.Output[29]) != 100 {
		t.Errorf("the output is %q", p.Output)
	}
	f.Output = strings.Repeat("y", 10<<20)
	if p := f.problem(); len(p.Output) != 1 || len(p.Output[0]) != outputKept {
		t.Errorf("a line of 10 MB is %d lines, the first of %d bytes", len(p.Output), len(p.Output[0]))
	}
}

func BenchmarkDetails(b *testing.B) {
	var secrets []string
	for i := range 100 {
		secrets = append(secrets, strings.Repeat(string(rune('a'+i%26)), 5+i))
	}
	f := Failure{Kind: OutOfProcessStart, Detailed: true, Output: strings.Repeat("2026/11/21 09:00:01 api ready, and what else there is to say\n", 600), Redact: secrets}
	for b.Loop() {
		f.problem()
	}
}
