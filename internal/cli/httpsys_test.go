package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

func TestNetsh(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"show":         "netsh http show servicestate view=requestq",
		"frob":         "netsh http show servicestate view=requestq",
		"show sslcert": "netsh http show sslcert",
		"start":        "net start http",
		"stop":         "net stop http",
		"add sslcert hostnameport=a:443 cert=x.pem": "netsh http add sslcert hostnameport=a:443 certhash=THUMBPRINT appid={00000000-0000-0000-0000-000000000000} certstorename=MY",
		"add sslcert ipport=0.0.0.0:443":            "netsh http add sslcert ipport=0.0.0.0:443 certhash=THUMBPRINT appid={00000000-0000-0000-0000-000000000000} certstorename=MY",
		"delete sslcert ipport=0.0.0.0:443":         "netsh http delete sslcert ipport=0.0.0.0:443",
		"add urlacl url=http://+:80/x/ user=me":     "netsh http add urlacl url=http://+:80/x/ user=me",
		"delete urlacl":                             "netsh http delete urlacl url=http://+:80/app/",
	} {
		err := &netshError{strings.Fields(words)}
		if got := err.Hint(); got != "`"+want+"`" {
			t.Errorf("%s: %s, want %s", words, got, want)
		}
	}
}

// TestUnknownDeeds holds that whoever comes with other words is told those of here.
func TestUnknownDeeds(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"frob":                            "httpsys does not know frob | `gorun help httpsys` shows what it knows",
		"add":                             "add wants sslcert or urlacl | such as `gorun httpsys add sslcert ...`; `gorun help httpsys` shows more",
		"delete url=http://+:80/":         "delete wants sslcert or urlacl | such as `gorun httpsys delete sslcert ...`; `gorun help httpsys` shows more",
		"url=http://+:80/":                "httpsys does not know url=http://+:80/ | `gorun help httpsys` shows what it knows",
		"sho":                             "httpsys does not know sho | did you mean `gorun httpsys show`? | `gorun help httpsys` shows what it knows",
		"remove urlacl url=http://+:80/":  "httpsys does not know remove urlacl | did you mean `gorun httpsys delete urlacl`? | `gorun help httpsys` shows what it knows",
		"http add urlacl url=x user=me":   "httpsys does not know http add | did you mean `gorun httpsys add urlacl url=x user=me`? | `gorun help httpsys` shows what it knows",
		"netsh http show sslcrt":          "httpsys does not know netsh http | did you mean `gorun httpsys show sslcert`? | `gorun help httpsys` shows what it knows",
		"Show ServiceState view=requestq": "httpsys does not know Show ServiceState | `gorun httpsys show`",
		"status":                          "httpsys does not know status | `gorun httpsys show`",
		"restart now":                     "httpsys does not know restart | `gorun httpsys stop`, and then `gorun httpsys start`",
		"update sslcert ipport=0.0.0.0:1": "httpsys does not know update sslcert | `gorun httpsys delete sslcert`, and then `gorun httpsys add sslcert`; a file that changes is read again by itself",
		"http":                            "httpsys does not know http | `gorun help httpsys` shows what it knows",
	} {
		_, _, err := findDeed(strings.Fields(words))
		said, ok := errors.AsType[*UsageError](err)
		if !ok {
			t.Errorf("%s: error %v", words, err)
			continue
		}
		if got := strings.Join(slices.Concat([]string{said.Message}, said.Lines, []string{said.Suggestion}), " | "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", words, got, want)
		}
	}
	for words, want := range map[string]string{
		"show": "show", "SHOW": "show", "Show UrlAcl": "show urlacl", "show everything": "show", "show json=x": "show",
	} {
		if d, _, err := findDeed(strings.Fields(words)); err != nil || d.words != want {
			t.Errorf("%s: %q, %v", words, d.words, err)
		}
	}
}

func TestMuteBroker(t *testing.T) {
	t.Parallel()
	for pid, want := range map[int][2]string{
		0: {"the broker has not answered within 15s", "kill the process `gorun httpsys serve`: "},
		7: {"the broker, process 7, has not answered within 15s", "`kill -KILL 7`: "},
	} {
		if err := (&brokerMuteError{pid}); err.Error() != want[0] || !strings.HasPrefix(err.Hint(), want[1]) {
			t.Errorf("%v, %s", err, err.Hint())
		}
	}
}

func TestHTTPSysWords(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":              "add delete show start stop",
		"show":          "sslcert urlacl",
		"show urlacl":   "url=",
		"add":           "sslcert urlacl",
		"add urlacl":    "url= user=",
		"delete urlacl": "url=",
		"start":         "",
		"frob":          "",
	} {
		if got := strings.Join(httpsysWords(strings.Fields(before)), " "); got != want {
			t.Errorf("after %q come %q, want %q", before, got, want)
		}
	}
}

// TestHTTPSysNames holds that every name=value is a flag, too, and the other way round.
func TestHTTPSysNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range (&world{}).httpsysCommand(&Invocation{}).Flags {
		names = append(names, f.Names()[0])
	}
	wanted := map[string]bool{}
	for _, d := range httpsysDeeds {
		for _, name := range append(slices.Clone(d.wants), d.flags...) {
			wanted[name] = true
			if !slices.Contains(names, name) {
				t.Errorf("%s takes %s, which is no flag", d.words, name)
			}
		}
	}
	if len(wanted) != len(names) {
		t.Errorf("of the flags %v some are nobody's", names)
	}
}

func TestQueueRows(t *testing.T) {
	t.Parallel()
	state := &broker.State{PID: 7}
	if users := usersOf(state); users != nil {
		t.Errorf("users %v", users)
	}
	view := queueView{
		Name: "shop", Waiting: 2,
		Prefixes: []prefixView{{"http://a:80/", 3}, {"http://a:80/", 4}, {"http://b:80/", 4}},
		Workers:  []workerView{{PID: 3, Program: "shop", Connections: 5}, {PID: 4, Program: "shop", Connections: 6}},
	}
	want := [][]string{{"http://a:80/", "shop", "3 4", "shop", "11", "2"}, {"http://b:80/", "shop", "3 4", "shop", "11", "2"}}
	if diff := cmp.Diff(want, view.rows()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"-", "-", "-", "-", "0", "0"}}, queueView{}.rows()); diff != "" {
		t.Error(diff)
	}
}
