package page

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	hidden     = "***"    // stands for what is not shown
	partLen    = 4        // a part of a secret this long is hidden where the output was cut, shorter secrets only where they are a word
	wrapLen    = 8        // a secret this long is found even if line breaks divide it
	outputKept = 32 << 10 // how much of the output's end is looked at, in bytes
)

// Values gives the values of environ (NAME=VALUE, as os.Environ gives it) for Failure.Redact, without the empty ones.
func Values(environ []string) []string {
	var values []string
	for _, entry := range environ {
		if _, value, _ := strings.Cut(entry, "="); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// redactor hides secrets. It looks before and after text is cleaned: an escape sequence may divide a secret or be part of it.
type redactor struct{ secrets []string }

func newRedactor(values []string) redactor {
	var r redactor
	for _, v := range values {
		for _, form := range forms(v) {
			r.secrets = append(r.secrets, form, clean(form))
		}
	}
	slices.Sort(r.secrets)
	r.secrets = slices.Compact(r.secrets)
	r.secrets = slices.DeleteFunc(r.secrets, func(s string) bool { return strings.TrimSpace(s) == "" })
	return r
}

// forms are the ways in which a program may write a value: as it is, line by line, quoted, as part of a URL; and of a URL the
// password alone.
func forms(v string) []string {
	all := []string{v}
	if strings.ContainsAny(v, "\r\n") {
		for line := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.TrimSpace(line); len(line) >= partLen {
				all = append(all, line)
			}
		}
	}
	if u, err := url.Parse(v); err == nil && u.User != nil {
		if password, _ := u.User.Password(); password != "" {
			all = append(all, password, strings.TrimPrefix(u.User.String(), url.User(u.User.Username()).String()+":"))
		}
	}
	for _, s := range slices.Clone(all) {
		all = append(all, inner(strconv.Quote(s)), inner(strconv.QuoteToASCII(s)), url.QueryEscape(s), url.PathEscape(s))
		if text, err := json.Marshal(s); err == nil {
			all = append(all, inner(string(text)))
		}
	}
	return all
}

// inner is a quoted string without its quotes.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// text is text of several lines as it may be shown.
func (r redactor) text(s string) string { return r.hide(clean(r.hide(s))) }

// line is the same on one line.
func (r redactor) line(s string) string { return r.hide(oneLine(r.hide(s))) }

// output is the end of what a program wrote. It may begin and end in the middle of a secret: whoever kept it has cut it
// somewhere, and the program may have died while it wrote.
func (r redactor) output(s string) string {
	s = s[max(0, len(s)-outputKept):]
	return r.trim(r.hide(clean(r.trim(r.hide(s)))))
}

// command is a command's words, and the whole as one would type it. A secret may go over several words.
func (r redactor) command(argv []string) (words []string, whole string) {
	quoted := make([]string, len(argv))
	for i, arg := range argv {
		word := r.line(arg)
		words = append(words, word)
		quoted[i] = quote(word)
	}
	plain := r.line(strings.Join(words, " "))
	if plain != strings.Join(words, " ") {
		return []string{plain}, plain
	}
	return words, r.line(strings.Join(quoted, " "))
}

// quote makes a word that a POSIX shell reads as arg.
func quote(arg string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,*\\"
	if arg != "" && strings.Trim(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// span is a part of a text, from its first byte to the one after its last.
type span struct{ from, to int }

// hide replaces every secret in text. All are looked for in the text as it was, so that secrets that overlap are hidden whole.
func (r redactor) hide(text string) string {
	if text == "" || len(r.secrets) == 0 {
		return text
	}
	flat, place := flatten(text)
	var found []span
	for _, secret := range r.secrets {
		found = appendMatches(found, text, secret)
		if short, _ := flatten(secret); len(short) >= wrapLen {
			for _, m := range appendMatches(nil, flat, short) {
				found = append(found, span{place[m.from], place[m.to-1] + 1})
			}
		}
	}
	return without(text, found)
}

// flatten is text without its line breaks, and where each byte of it was.
func flatten(text string) (flat string, place []int) {
	b := make([]byte, 0, len(text))
	place = make([]int, 0, len(text))
	for i := range len(text) {
		if text[i] != '\n' && text[i] != '\r' {
			b, place = append(b, text[i]), append(place, i)
		}
	}
	return string(b), place
}

// appendMatches adds where secret stands in text. A short one counts only where it is a word: 1 is not hidden in 21880.
func appendMatches(found []span, text, secret string) []span {
	for at := 0; ; {
		i := strings.Index(text[at:], secret)
		if i < 0 {
			return found
		}
		from := at + i
		if to := from + len(secret); len(secret) >= partLen || isWord(text[:from], text[to:]) {
			found, at = append(found, span{from, to}), to
			continue
		}
		at = from + 1
	}
}

// isWord reports whether what stands between before and after is not part of a longer word.
func isWord(before, after string) bool {
	b, _ := utf8.DecodeLastRuneInString(before)
	a, _ := utf8.DecodeRuneInString(after)
	return !isWordRune(b) && !isWordRune(a)
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// without replaces the spans of text, those that touch or overlap by one mark.
func without(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, s := range spans {
		if i == 0 || s.from > end {
			b.WriteString(text[end:s.from] + hidden)
		}
		end = max(end, s.to)
	}
	b.WriteString(text[end:])
	return b.String()
}

// trim hides the end of a secret that text begins with, and the beginning of one that it ends with.
func (r redactor) trim(text string) string {
	from, to := 0, len(text)
	for _, s := range r.secrets {
		for n := min(len(s)-1, len(text)); n >= max(partLen, from+1); n-- {
			if strings.HasPrefix(text, s[len(s)-n:]) {
				from = n
				break
			}
		}
		for n := min(len(s)-1, len(text)); n >= max(partLen, len(text)-to+1); n-- {
			if strings.HasSuffix(text, s[:n]) {
				to = len(text) - n
				break
			}
		}
	}
	switch {
	case from >= to:
		if from == 0 {
			return text
		}
		return hidden
	case from > 0 && to < len(text):
		return hidden + text[from:to] + hidden
	case from > 0:
		return hidden + text[from:]
	case to < len(text):
		return text[:to] + hidden
	}
	return text
}
