package page

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

//go:embed page.html
var document string

// layout escapes what it is given by where it stands. It is parsed when the first page is asked for: most runs show none.
var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(strings.TrimRight(document, "\n"))) // it ends right after </html> (S30)
})

// shownPage is what the layout is given.
type shownPage struct {
	problem
	Heading     string
	Code        string
	CommandLine string
	Ended       string
	OutputTitle string
	AdviceParts [][]part
	LinkURL     bool // Link can be followed
	Reloads     bool
	Nonce       string
	ProbeHeader string
	ProbeAsk    string
	ProbeReady  string
}

// part is a piece of a line of advice: words or code.
type part struct {
	Text string
	Code bool
}

// writeHTML is the page for a browser: one document that loads nothing. With reloads it asks until the program is there.
func writeHTML(h http.Header, p problem, reloads bool) []byte {
	nonce := rand.Text()
	policy := "default-src 'none'; style-src 'nonce-" + nonce + "'; base-uri 'none'; form-action 'none'"
	reloads = reloads && p.Detail != ""
	if reloads {
		policy += "; script-src 'nonce-" + nonce + "'; connect-src 'self'"
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	s := shownPage{
		problem: p, Heading: p.heading(), Code: p.code, CommandLine: p.commandLine, Ended: p.ended(), OutputTitle: outputTitle(len(p.Output)),
		LinkURL: isWebURL(p.Link), Reloads: reloads, Nonce: nonce, ProbeHeader: ProbeHeader, ProbeAsk: probeAsk, ProbeReady: probeReady,
	}
	for _, line := range p.Advice {
		s.AdviceParts = append(s.AdviceParts, parts(line))
	}
	var b bytes.Buffer
	if err := layout().Execute(&b, s); err != nil {
		panic(err) // strings into memory
	}
	return b.Bytes()
}

// parts divides a line at its `backquotes`. One that is left alone is a character like others.
func parts(line string) []part {
	pieces := strings.Split(line, "`")
	if last := len(pieces) - 1; last%2 == 1 {
		pieces[last-1] += "`" + pieces[last]
		pieces = pieces[:last]
	}
	var all []part
	for i, piece := range pieces {
		if piece != "" {
			all = append(all, part{piece, i%2 == 1})
		}
	}
	return all
}

func isWebURL(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.ContainsFunc(u.Host, isNoHost)
}

// isNoHost knows characters that a host cannot have, though url.Parse takes them: written into a page they are escaped, and then
// it is no URL any more.
func isNoHost(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"'`\\^{|}%", r) }
