package cli

import (
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

func TestHTTPSysWords(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":              "add delete show start stop",
		"show":          "sslcert urlacl",
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
