package urlprefix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	const here, away, six = " at 127.0.0.1:80", " at 10.0.0.1:80", " at [::1]:80"
	groups := []struct {
		prefixes []string
		rows     map[string]string // request: prefix, or 404 or 400
	}{
		{ // the order of the categories
			[]string{"http://*/", "http://10.0.0.1/", "http://name/", "http://+/strong", "http://name/strong", "http://name/strong/deep"},
			map[string]string{
				"http://name/" + away:            "http://name/",
				"http://NAME:8080/" + away:       "http://name/", // the Host's port is not looked at
				"http://other/" + away:           "http://10.0.0.1/",
				"http://other/" + here:           "http://*/",
				"http:///" + here:                "http://*/", // HTTP/1.0
				"http://name/strong" + here:      "http://+/strong",
				"http://name/strong/deep" + here: "http://+/strong", // though that is longer
				"http://name/stronger" + here:    "http://name/",
				"https://name/" + here:           "400",
				"http://name/ at 127.0.0.1:81":   "400",
			},
		},
		{ // the longest path, at whole segments
			[]string{"http://a/", "http://a/11", "http://a/2/3", "http://a/2", "http://a/11/2"},
			map[string]string{
				"http://a" + here:            "http://a/",
				"http://a/" + here:           "http://a/",
				"http://a/1" + here:          "http://a/",
				"http://a/11" + here:         "http://a/11",
				"http://a/11/" + here:        "http://a/11",
				"http://a/111" + here:        "http://a/",
				"http://a/11/2" + here:       "http://a/11/2",
				"http://a/11/2/" + here:      "http://a/11/2",
				"http://a/11/2/3/4/5" + here: "http://a/11/2",
				"http://a/11/22" + here:      "http://a/11",
				"http://a/11%2f2" + here:     "http://a/",
				"http://a/2/3/4" + here:      "http://a/2/3",
				"http://a/2%2F3" + here:      "http://a/",
				"http://a/%32/3" + here:      "http://a/2/3",
				"http://b/" + here:           "400",
				"http://" + here:             "400",
			},
		},
		{ // one that has no path leaves it to the next
			[]string{"http://+/s", "http://a/n", "http://10.0.0.1/i", "http://*/w"},
			map[string]string{
				"http://a/s/x" + away: "http://+/s",
				"http://a/n/x" + away: "http://a/n",
				"http://a/i/x" + away: "http://10.0.0.1/i",
				"http://a/i/x" + here: "404",
				"http://a/w/x" + away: "http://*/w",
				"http://a/x" + away:   "404",
				"http://b/n" + away:   "404", // there are prefixes for any host
			},
		},
		{ // case, escapes, other alphabets
			[]string{"http://Bücher.example/Été", "http://a/A%20b/c%2Fd", "http://a/100%25/x"},
			map[string]string{
				"http://xn--bcher-kva.example/%C3%A9T%c3%89/x" + here:       "http://Bücher.example/Été",
				"http://XN--BCHER-KVA.EXAMPLE:80/\u00e9t\u00c9/" + here:     "http://Bücher.example/Été",
				"http://bücher.example/%c3%89t%c3%a9" + here:                "http://Bücher.example/Été",
				"http://bücher.example/%c3%89t%c3" + here:                   "404",
				"http://a/a%20B/C%2fD/" + here:                              "http://a/A%20b/c%2Fd",
				"http://a/a b/c%2fd" + here:                                 "http://a/A%20b/c%2Fd",
				"http://a/a%20b/c/d" + here:                                 "404",
				"http://a/a%20b/c%252fd" + here:                             "404",
				"http://a/100%25/x" + here:                                  "http://a/100%25/x",
				"http://a/100%/x" + here:                                    "http://a/100%25/x",
				"http://a/" + strings.Repeat("%41", 500) + "%" + here:       "404",
				"http://a/" + strings.Repeat("/", 5000) + here:              "404",
				"http://" + strings.Repeat("a", 5000) + "/" + here:          "400",
				"http://" + strings.Repeat("a", 253) + ":80/" + here:        "400",
				"http://[::1]:80/" + here:                                   "400",
				"http://xn--bcher-kva.example.evil.example/%C3%A9t" + here:  "400",
				"http://a/a%20b/" + strings.Repeat("\xf0\x9f", 300) + here:  "404",
				"http://a/A%20B/c%2Fd" + strings.Repeat("/long", 99) + here: "http://a/A%20b/c%2Fd",
			},
		},
		{ // localhost is this machine's own
			[]string{"http://localhost/", "http://api.localhost/", "http://127.0.0.1/ip", "http://[::1]/six"},
			map[string]string{
				"http://localhost/" + here:            "http://localhost/",
				"http://localhost/" + six:             "http://localhost/",
				"http://localhost/ at 127.0.0.9:80":   "http://localhost/",
				"http://localhost/" + away:            "400",
				"http://api.localhost/" + away:        "400",
				"http://api.localhost/" + here:        "http://api.localhost/",
				"http://x/ip" + here:                  "http://127.0.0.1/ip",
				"http://x/ip at [::ffff:7f00:1]:80":   "http://127.0.0.1/ip",
				"http://x/ip at 127.0.0.2:80":         "400",
				"http://x/six" + six:                  "http://[::1]/six",
				"http://x/six at [::1%lo]:80":         "http://[::1]/six",
				"http://localhost.evil/" + here:       "404", // the address has prefixes
				"http://localhost:99999/x/y/z" + here: "http://localhost/",
			},
		},
		{ // names above others
			[]string{"http://*.example.com/", "http://*.b.example.com/", "http://a.example.com/only"},
			map[string]string{
				"http://x.example.com/" + away:        "http://*.example.com/",
				"http://X.Y.Example.com/" + away:      "http://*.example.com/",
				"http://x.b.example.com/" + away:      "http://*.b.example.com/",
				"http://b.example.com/" + away:        "http://*.example.com/",
				"http://a.example.com/only" + away:    "http://a.example.com/only",
				"http://a.example.com/" + away:        "http://*.example.com/",
				"http://example.com/" + away:          "400",
				"http://.example.com/" + away:         "400",
				"http://x.example.com.evil/" + away:   "400",
				"http://" + strings.Repeat("a.", 126): "400",
			},
		},
	}
	count := 0
	for _, group := range groups {
		tab := table(t, group.prefixes...)
		for text, want := range group.rows {
			if !strings.Contains(text, " at ") {
				text += here
			}
			got, prefix, result := asked(t, text).match(tab)
			switch {
			case result == NoPath:
				got += "404"
			case result == NoHost:
				got += "400"
			case prefix != must(t, got):
				t.Errorf("%s: the value is %s, and the prefix %v", text, got, prefix)
			}
			if got != want {
				t.Errorf("%.200s: got %s, want %s", text, got, want)
			}
			count++
		}
	}
	fmt.Printf("count: %d requests are matched as servers.md 4.2 says\n", count)
}

// Of the same registration twice the first counts, and port 0 is nobody's.
func TestNew(t *testing.T) {
	t.Parallel()
	tab := New([]Entry[int]{
		{must(t, "http://a/x"), 1},
		{must(t, "http://a/X"), 2},
		{must(t, "http://a:0/"), 3},
	})
	if v, _, result := tab.Match("http", []byte("a"), netip.MustParseAddrPort("1.1.1.1:80"), []byte("/x")); v != 1 || result != Found {
		t.Errorf("got %d, %v", v, result)
	}
	if v, _, result := tab.Match("http", []byte("a"), netip.MustParseAddrPort("1.1.1.1:0"), []byte("/")); v != 0 || result != NoHost {
		t.Errorf("port 0: got %d, %v", v, result)
	}
	if v, _, result := New[int](nil).Match("", nil, netip.AddrPort{}, nil); v != 0 || result != NoHost {
		t.Errorf("nothing: got %d, %v", v, result)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	tab := table(t, "https://+/strong", "https://api.localhost/", "https://name/a", "https://name/b", "https://whole/", "https://*.x/",
		"https://10.0.0.1/ip", "https://*/weak", "https://+:444/", "https://*:444/hidden", "https://one:445/")
	for _, row := range []struct {
		host, local string
		want        string
		only        bool
	}{
		{"name", "10.0.0.2:443", "https://+/strong https://name/a https://name/b https://*/weak", false},
		{"name", "10.0.0.1:443", "https://+/strong https://name/a https://name/b https://10.0.0.1/ip https://*/weak", false},
		{"WHOLE:443", "10.0.0.1:443", "https://+/strong https://whole/", false},
		{"a.b.x", "10.0.0.1:443", "https://+/strong https://*.x/", false},
		{"api.localhost", "10.0.0.2:443", "https://+/strong https://*/weak", false},
		{"api.localhost", "127.0.0.1:443", "https://+/strong https://api.localhost/", false},
		{"anything", "10.0.0.2:444", "https://+:444/", true},
		{"one", "10.0.0.2:445", "https://one:445/", true},
		{"two", "10.0.0.2:445", "", false},
		{"", "10.0.0.2:445", "https://one:445/", true},
		{"", "10.0.0.2:443", "https://*.x/ https://*/weak https://+/strong https://name/a https://name/b https://whole/", false},
		{"", "10.0.0.2:446", "", false},
	} {
		local := netip.MustParseAddrPort(row.local)
		got := slices.Collect(tab.Owners("https", row.host, local))
		if row.host == "" {
			slices.Sort(got)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s at %s: got %q, want %q", row.host, row.local, got, row.want)
		}
		if _, only := tab.Only("https", row.host, local); only != row.only {
			t.Errorf("%s at %s: Only is %t", row.host, row.local, only)
		}
	}
	for range tab.Owners("https", "name", netip.MustParseAddrPort("10.0.0.2:443")) {
		break // and nothing is yielded afterwards
	}
	shared := New([]Entry[int]{{must(t, "https://a/x"), 1}, {must(t, "https://a/y"), 1}, {must(t, "https://*/"), 1}})
	if v, ok := shared.Only("https", "a", netip.MustParseAddrPort("1.1.1.1:443")); v != 1 || !ok {
		t.Errorf("one that has three prefixes: got %d, %t", v, ok)
	}
}

// hundred has 100 prefixes of one host, and 100 hosts.
func hundred(t testing.TB) *Table[string] {
	var texts []string
	for i := range 100 {
		texts = append(texts, fmt.Sprintf("http://shared/service-%d/v1", i), fmt.Sprintf("http://host-%d.localhost/", i))
	}
	return table(t, append(texts, "http://*.example.com/x", "http://shared/"+strings.Repeat("long", 200))...)
}

var hot = []string{
	"http://shared:80/Service-57/V1/some/resource at 127.0.0.1:80",
	"http://host-33.localhost/index.html at 127.0.0.1:80",
	"http://a.b.example.com/x%20y/z at 127.0.0.1:80",
	"http://shared/%C3%A9/unknown at 127.0.0.1:80",
	"http://nobody/ at 127.0.0.1:80",
}

func TestMatchAllocatesNothing(t *testing.T) {
	tab := hundred(t)
	for _, text := range hot {
		r := asked(t, text)
		host, local, path := []byte(r.host), netip.MustParseAddrPort(r.local), []byte(r.path)
		if n := testing.AllocsPerRun(100, func() { tab.Match(r.scheme, host, local, path) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, tab := range map[string]*Table[string]{
		"one":     table(b, "http://localhost/"),
		"paths":   table(b, "http://localhost/", "http://localhost/api", "http://localhost/admin"),
		"hundred": hundred(b),
	} {
		requests := hot
		if name != "hundred" {
			requests = []string{"http://localhost/api/orders/17 at 127.0.0.1:80"}
		}
		for i, text := range requests {
			r := asked(b, text)
			host, local, path := []byte(r.host), netip.MustParseAddrPort(r.local), []byte(r.path)
			b.Run(fmt.Sprintf("%s-%d", name, i), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					tab.Match("http", host, local, path)
				}
			})
		}
	}
}
