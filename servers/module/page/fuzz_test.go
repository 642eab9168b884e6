package page

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// FuzzEscaping: whatever stands in a Failure, the HTML has only the elements of the layout, and the other forms no control characters.
func FuzzEscaping(f *testing.F) {
	for _, s := range []string{"", "<script>alert(1)</script>", "</pre></main>", "\" onclick=\"", "'-alert(1)-'", "{{.}}", "`code` and ` more", "]]>", "<!--", "\x1b[1m\x00\xff\u202e", "javascript:alert(1)", "https://x/'\"><b>"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		failure := Failure{
			Kind: OutOfProcessStart, Program: a, Command: []string{a, b}, Attempts: []Attempt{{Err: b}}, Signal: a, Settings: []Setting{{b, a, b}},
			Advice: []string{a}, Detailed: true, Cause: b, Output: a + "\n" + b, Link: a,
		}
		body := get(t, failure, http.MethodGet, chromeAccept).Body.String()
		checkElements(t, body, failure.problem())
		text := get(t, failure, http.MethodGet, "*/*").Body.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 || !utf8.ValidString(text) {
			t.Errorf("the text has a control character or wrong UTF-8: %q", text)
		}
		if doc := get(t, failure, http.MethodGet, "application/json").Body.Bytes(); !json.Valid(doc) {
			t.Errorf("not JSON: %s", doc)
		}
	})
}

// elements are those of the layout, with their attributes.
var elements = map[string][]string{
	"html": {"lang"}, "head": nil, "meta": {"charset", "name", "content"}, "title": nil, "style": {"nonce"}, "body": nil, "main": nil,
	"h1": nil, "h2": {"id"}, "span": {"class"}, "p": {"class", "id", "role"}, "pre": {"tabindex", "aria-labelledby"}, "ol": nil, "ul": nil, "li": nil,
	"strong": nil, "code": nil, "a": {"href"}, "cite": nil, "script": {"nonce"},
}

func checkElements(t *testing.T, body string, p problem) {
	t.Helper()
	scripts, depth := 0, 0
	var pre strings.Builder
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			want := "\n" + strings.Join(p.Output, "\n")
			if scripts != 1 || len(p.Output) > 0 && !strings.Contains(pre.String(), want) {
				t.Errorf("%d scripts; the output is %q, want %q\n%s", scripts, pre.String(), want, body)
			}
			return
		case html.CommentToken, html.SelfClosingTagToken:
			t.Errorf("there is %s in\n%s", token, body)
		case html.StartTagToken:
			allowed, ok := elements[token.Data]
			if !ok {
				t.Errorf("there is %s in\n%s", token, body)
			}
			for _, attribute := range token.Attr {
				if !slices.Contains(allowed, attribute.Key) || attribute.Key == "href" && !isWebURL(attribute.Val) {
					t.Errorf("there is %s in\n%s", token, body)
				}
			}
			if token.Data == "script" {
				scripts++
			}
			if token.Data == "pre" {
				depth++
			}
		case html.EndTagToken:
			if token.Data == "pre" {
				depth--
			}
		case html.TextToken:
			if depth > 0 {
				pre.WriteString(token.Data)
			}
		}
	}
}

// FuzzRedaction: a secret is never shown, whatever stands around it and wherever it is divided.
func FuzzRedaction(f *testing.F) {
	f.Add("hunter22", "before ", " after", 3)
	f.Add("two\nlines\r\n", "\x1b[", "m", 4)
	f.Add("pass\xc3", "", "\xa9", 0)
	f.Add("abab", "ab", "ab\n", 2)
	f.Add("]0;x", "\x1b", "\a", 1)
	f.Fuzz(func(t *testing.T, secret, before, after string, at int) {
		if len(secret) < partLen || strings.Contains(secret, "*") || strings.TrimSpace(secret) == "" {
			t.Skip("a mark, blank, or too short to be found within a word")
		}
		at = min(max(at, 0), len(secret))
		p := Failure{
			Kind: OutOfProcessStart, Command: []string{before + secret + after, secret[:at], secret[at:]}, Advice: []string{before + secret}, Detailed: true,
			Cause: secret + after, Redact: []string{secret, after},
			Output: before + secret + after + "\n" + before + secret[:at] + "\n" + secret[at:] + after + secret[:at] + "\x1b[1m" + secret[at:],
		}.problem()
		shown := []string{strings.Join(p.Output, "\n"), strings.Join(p.Cause, "\n"), p.commandLine, strings.Join(p.Command, " "), p.Advice[0]}
		for _, text := range shown {
			if strings.Contains(text, secret) {
				t.Errorf("%q is shown in %q", secret, text)
			}
			flat, _ := flatten(text)
			if short, _ := flatten(secret); len(short) >= wrapLen && strings.Contains(flat, short) {
				t.Errorf("%q is shown over several lines in %q", secret, text)
			}
		}
	})
}
