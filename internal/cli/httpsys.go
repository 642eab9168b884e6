package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// httpsysCommand looks after what stands in for HTTP.sys: the broker, through which programs share ports, and what is kept for it.
func (w *world) httpsysCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "httpsys",
		Usage:     "show what shares ports, start and stop the broker, bind certificates, reserve prefixes",
		ArgsUsage: "show | start | stop | add | delete ...",
		Description: `show                                                   who has which prefix
show sslcert, show urlacl                              what is bound and reserved: all, or hostnameport=, ipport=, url=
start, stop                                            the broker; gorun starts it by itself where a program needs it
add sslcert hostnameport=NAME:PORT cert=FILE key=FILE  TLS for a host; or ipport=IP:PORT
delete sslcert hostnameport=NAME:PORT
add urlacl url=PREFIX user=NAME                        let nobody else have what begins with the prefix
delete urlacl url=PREFIX

The words are those of netsh http. --name=value does the same as name=value. On Windows, netsh does all that.`,
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "force", Usage: "stop the broker although programs use it"},
			&cli.StringFlag{Name: "hostnameport", Usage: "`NAME:PORT` the host that clients ask for (SNI)"},
			&cli.StringFlag{Name: "ipport", Usage: "`IP:PORT` the address that clients come to; 0.0.0.0 and [::] are any"},
			&cli.StringFlag{Name: "cert", Usage: "`FILE` a certificate with its chain: PEM, or PFX"},
			&cli.StringFlag{Name: "key", Usage: "`FILE` its key, where that is a file of its own"},
			&cli.StringFlag{Name: "password", Usage: "`PASSWORD` of the key or the PFX"},
			&cli.StringFlag{Name: "clientcertnegotiation", Usage: "`enable|disable` ask clients for a certificate"},
			&cli.StringFlag{Name: "url", Usage: "`PREFIX` such as http://+:8080/app/"},
			&cli.StringFlag{Name: "user", Usage: "`NAME` whom it is reserved for; Everyone is anybody"},
		},
		Action: func(c *cli.Context) error { return w.httpsys(c, inv) },
	}
}

// httpsysDeed is one of the things that the verb does.
type httpsysDeed struct {
	words string   // such as "add sslcert"
	wants []string // the names that it takes
	flags []string // the flags beside them
	do    func(*world, context.Context, httpsysAsked) error
}

// httpsysAsked is what was said beside the words.
type httpsysAsked struct {
	values map[string]string // by name
	json   bool
	force  bool
}

// httpsysDeeds are all that people are told of, those with more words first.
var httpsysDeeds = []httpsysDeed{
	{"show sslcert", []string{"hostnameport", "ipport"}, []string{"json"}, (*world).showSSLCert},
	{"show urlacl", []string{"url"}, []string{"json"}, (*world).showURLACL},
	{"add sslcert", []string{"hostnameport", "ipport", "cert", "key", "password", "clientcertnegotiation"}, nil, (*world).addSSLCert},
	{"add urlacl", []string{"url", "user"}, nil, (*world).addURLACL},
	{"delete sslcert", []string{"hostnameport", "ipport"}, nil, (*world).deleteSSLCert},
	{"delete urlacl", []string{"url"}, nil, (*world).deleteURLACL},
	{"show", nil, []string{"json"}, (*world).showBroker},
	{"start", nil, nil, (*world).startBroker},
	{"stop", nil, []string{"force"}, (*world).stopBroker},
}

func (w *world) httpsys(c *cli.Context, inv *Invocation) error {
	if len(inv.Args) == 0 || asksForHelp(inv.Args[0]) {
		w.helpOne(c.Command)
		return nil
	}
	if runtime.GOOS == "windows" {
		return &netshError{inv.Args}
	}
	if inv.Args[0] == "serve" { // which is not for people
		return w.serveBroker(inv.Args[1:])
	}
	deed, rest, err := findDeed(inv.Args)
	if err != nil {
		return err
	}
	asked, err := deed.asked(c, rest)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, answerLimit, &brokerMuteError{})
	defer cancel()
	err = deed.do(w, ctx, asked)
	if mute, ok := errors.AsType[*brokerMuteError](err); ok {
		mute.pid = broker.Process(w.brokerFolder())
	}
	return err
}

// findDeed finds what the first words name.
func findDeed(words []string) (httpsysDeed, []string, error) {
	said := deedWords(words)
	for n := len(said); n > 0; n-- {
		if advice, ok := elsewhereWords[strings.Join(said[:n], " ")]; ok {
			return httpsysDeed{}, nil, usage("httpsys does not know "+ui.ShellQuote(words[:n]), advice)
		}
	}
	if d, ok := deedNamed(said); ok {
		return d, words[len(strings.Fields(d.words)):], nil
	}
	return httpsysDeed{}, nil, unknownDeed(words)
}

// deedNamed is the deed with the words.
func deedNamed(said []string) (httpsysDeed, bool) {
	at := slices.IndexFunc(httpsysDeeds, func(d httpsysDeed) bool {
		names := strings.Fields(d.words)
		return len(said) >= len(names) && slices.Equal(said[:len(names)], names)
	})
	if at < 0 {
		return httpsysDeed{}, false
	}
	return httpsysDeeds[at], true
}

// asked gathers name=value and the flags.
func (d httpsysDeed) asked(c *cli.Context, rest []string) (httpsysAsked, error) {
	a := httpsysAsked{values: map[string]string{}, json: c.Bool("json"), force: c.Bool("force")}
	for _, name := range c.LocalFlagNames() {
		if slices.Contains([]string{"verbosity", "no-color", "v"}, name) || slices.Contains(d.flags, name) {
			continue
		}
		if !slices.Contains(d.wants, name) {
			return a, usage(fmt.Sprintf("%s has no flag --%s", d.words, name), d.hint())
		}
		a.values[name] = c.String(name)
	}
	for _, word := range rest {
		name, value, found := strings.Cut(word, "=")
		name = strings.ToLower(name)
		switch _, twice := a.values[name]; {
		case !found:
			return a, d.surplus(word)
		case !slices.Contains(d.wants, name):
			return a, d.unknown(name)
		case twice:
			return a, usage(name+" is given more than once", "give it once")
		}
		a.values[name] = value
	}
	return a, nil
}

// surplus is a word without a name, as netsh takes them, too.
func (d httpsysDeed) surplus(word string) error {
	err := &UsageError{Message: fmt.Sprintf("%s does not take the word %q", d.words, word), Suggestion: d.hint()}
	switch {
	case strings.Contains(word, "://") && slices.Contains(d.wants, "url"):
		err.Lines = []string{"did you mean url=" + word + "?"}
	case slices.Contains(d.wants, strings.ToLower(word)):
		err.Lines = []string{"did you mean " + strings.ToLower(word) + "=...?"}
	}
	return err
}

// unknown is a name that the deed does not take.
func (d httpsysDeed) unknown(name string) error {
	err := &UsageError{Message: fmt.Sprintf("%s takes no %s=", d.words, name), Suggestion: d.hint()}
	switch near := closest.Word(name, d.wants); {
	case d.words == "add sslcert" && slices.Contains([]string{"certhash", "certstorename", "appid"}, name):
		err.Suggestion = "certificates are files here: cert=FILE key=FILE"
	case near != "":
		err.Lines = []string{"did you mean " + near + "=?"}
	}
	return err
}

func (d httpsysDeed) hint() string {
	if len(d.wants) == 0 {
		return "it is `gorun httpsys " + d.words + "` alone"
	}
	last := len(d.wants) - 1
	if last == 0 {
		return "it takes " + d.wants[0] + "="
	}
	return "it takes " + strings.Join(d.wants[:last], "=, ") + "= and " + d.wants[last] + "="
}

// need gives a value that must be there.
func (a httpsysAsked) need(words, name, example string) (string, error) {
	if a.values[name] == "" {
		return "", usage(words+" wants "+name+"=", "such as `gorun httpsys "+example+"`")
	}
	return a.values[name], nil
}

// netshError says that Windows has the real one.
type netshError struct{ words []string }

func (*netshError) Error() string {
	return "Windows has HTTP.sys itself, and looks after it with netsh: gorun has no broker there"
}

// Hint is the command that does the same.
func (e *netshError) Hint() string { return "`" + netsh(e.words) + "`" }

// netsh is the command of Windows that does what gorun httpsys does elsewhere.
func netsh(words []string) string {
	value := func(name, otherwise string) string {
		for _, word := range words {
			if v, ok := strings.CutPrefix(word, name+"="); ok {
				return name + "=" + v
			}
		}
		return name + "=" + otherwise
	}
	where := value("hostnameport", "NAME:PORT")
	if slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, "ipport=") }) {
		where = value("ipport", "")
	}
	deed, _, _ := findDeed(words)
	switch deed.words {
	case "add sslcert":
		return "netsh http add sslcert " + where + " certhash=THUMBPRINT appid={00000000-0000-0000-0000-000000000000} certstorename=MY"
	case "delete sslcert":
		return "netsh http delete sslcert " + where
	case "add urlacl":
		return "netsh http add urlacl " + value("url", "http://+:80/app/") + " " + value("user", "NAME")
	case "delete urlacl":
		return "netsh http delete urlacl " + value("url", "http://+:80/app/")
	case "show sslcert", "show urlacl":
		return "netsh http " + deed.words
	case "start", "stop":
		return "net " + deed.words + " http"
	}
	return "netsh http show servicestate view=requestq"
}
