package cli

import (
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/ui"
)

// elsewhereWords are words of netsh and of other tools, each with what does the same here.
var elsewhereWords = map[string]string{
	"show servicestate": "`gorun httpsys show`",
	"status":            "`gorun httpsys show`",
	"state":             "`gorun httpsys show`",
	"list":              "`gorun httpsys show`",
	"ps":                "`gorun httpsys show`",
	"restart":           "`gorun httpsys stop`, and then `gorun httpsys start`",
	"update sslcert":    "`gorun httpsys delete sslcert`, and then `gorun httpsys add sslcert`; a file that changes is read again by itself",
	"show iplisten":     onIPListen,
	"add iplisten":      onIPListen,
	"delete iplisten":   onIPListen,
	"show cachestate":   onCache,
	"delete cache":      onCache,
	"show timeout":      onTimeouts,
	"add timeout":       onTimeouts,
	"delete timeout":    onTimeouts,
}

const (
	onIPListen = "a prefix says where it is reached, such as http://127.0.0.1:8080/"
	onCache    = "each program keeps responses by itself; HttpSys__EnableResponseCaching=false ends that"
	onTimeouts = "each program has its own, such as HttpSys__Timeouts__IdleConnection=00:01:00"
)

// asksForHelp reports whether a word is what people write to be told what there is.
func asksForHelp(word string) bool { return slices.Contains([]string{"help", "?", "/?"}, word) }

// deedWords are the words before the first name=value, two at most, in lower case.
func deedWords(words []string) []string {
	var before []string
	for _, word := range words[:min(len(words), 2)] {
		if strings.Contains(word, "=") {
			break
		}
		before = append(before, strings.ToLower(word))
	}
	return before
}

// unknownDeed says what may have been meant by words that name no deed. There is one at least.
func unknownDeed(words []string) error {
	said := deedWords(words)
	if len(said) == 1 {
		if next := httpsysWords(said); len(next) > 0 {
			example := "such as `gorun httpsys " + said[0] + " " + next[0] + " ...`; `gorun help httpsys` shows more"
			return usage(said[0]+" wants "+strings.Join(next, " or "), example)
		}
	}
	err := &UsageError{Message: "httpsys does not know " + ui.ShellQuote(words[:max(len(said), 1)]), Suggestion: "`gorun help httpsys` shows what it knows"}
	for len(words) > 0 && (words[0] == "netsh" || words[0] == "http") { // as if netsh came before it
		words = words[1:]
	}
	meant := strings.Join(deedWords(words), " ")
	near := closest.Word(meant, mapped(httpsysDeeds, func(d httpsysDeed) string { return d.words }))
	if near != "" && near == meant { // then it was the words before it alone
		near = ui.ShellQuote(words)
	}
	if near != "" {
		err.Lines = []string{"did you mean `gorun httpsys " + near + "`?"}
	}
	return err
}

// httpsysWords are those that may come after others.
func httpsysWords(before []string) (words []string) {
	for _, d := range httpsysDeeds {
		names := strings.Fields(d.words)
		n := len(before)
		switch {
		case n < len(names) && slices.Equal(before, names[:n]):
			words = append(words, names[n])
		case n >= len(names) && slices.Equal(before[:len(names)], names):
			for _, name := range d.wants {
				words = append(words, name+"=")
			}
			return words
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
