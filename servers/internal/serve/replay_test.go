package serve

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReplayOfKestrel(t *testing.T) {
	t.Parallel()
	cases := loadOracle(t)
	addr := startServer(t, &Server{Handler: http.HandlerFunc(oracleApp), ServerHeader: "gorun"})
	ci := os.Getenv("GORUN_CI") != ""
	results := make([]string, len(cases))
	gate := make(chan struct{}, 120)
	var group sync.WaitGroup
	for i := range cases {
		c := &cases[i]
		if c.slow() && !ci {
			results[i] = "slow"
			continue
		}
		group.Go(func() {
			if !c.slow() { // the slow ones only wait
				gate <- struct{}{}
				defer func() { <-gate }()
			}
			results[i] = judge(c, play(t, addr, c))
		})
	}
	group.Wait()
	count := map[string]int{}
	for i, c := range cases {
		reason, known := differences[c.ID]
		switch {
		case results[i] == "slow":
			count["slow, run with GORUN_CI"]++
		case results[i] == "" && known:
			t.Errorf("%s: answers as Kestrel does, but the table says %q", c.ID, reason)
		case results[i] == "":
			count["the same"]++
		case known:
			count["different and safe"]++
			t.Logf("%s: %s\n\t%s", c.ID, reason, results[i])
		default:
			t.Errorf("%s: %s", c.ID, results[i])
		}
	}
	for id := range differences {
		if !slices.ContainsFunc(cases, func(c oracleCase) bool { return c.ID == id }) {
			t.Errorf("table: no case is called %s", id)
		}
	}
	t.Logf("of %d cases: %v", len(cases), count)
}

// judge says how o differs from every answer that Kestrel gave, or nothing.
func judge(c *oracleCase, o outcome) string {
	answers := append([]oracleAnswer{c.Kestrel}, c.KestrelAlso...)
	var all []string
	for _, a := range answers {
		diff := a.differs(o)
		if diff == "" {
			return ""
		}
		all = append(all, diff)
	}
	return strings.Join(all, "; or ")
}

func (a *oracleAnswer) differs(o outcome) string {
	var want []oracleResponse
	for _, r := range a.Responses {
		for range max(r.Times, 1) {
			want = append(want, r)
		}
	}
	statuses := func() (w, g []int) {
		for _, r := range want {
			w = append(w, r.Status)
		}
		for _, r := range o.responses {
			g = append(g, r.status)
		}
		return w, g
	}
	if w, g := statuses(); !slices.Equal(w, g) {
		return fmt.Sprintf("status want %v, got %v (closed: want %v, got %v)", w, g, a.Closed, o.closed)
	}
	if a.Closed != o.closed {
		return fmt.Sprintf("closed: want %v, got %v", a.Closed, o.closed)
	}
	if string(a.OtherBytes) != string(o.rest) {
		return fmt.Sprintf("other bytes: want %q, got %q", a.OtherBytes, o.rest)
	}
	if late := o.after - time.Duration(a.AfterMS)*time.Millisecond; a.Closed && late.Abs() > 2500*time.Millisecond {
		return fmt.Sprintf("closed after %v, want %d ms", o.after, a.AfterMS)
	}
	for i, r := range want {
		if d := r.differs(o.responses[i]); d != "" {
			return fmt.Sprintf("response %d: %s", i, d)
		}
	}
	return ""
}

func (r *oracleResponse) differs(g gotResponse) string {
	for _, name := range []string{"Allow", "Connection", "Upgrade", "Sec-Websocket-Accept", "Date"} {
		wanted := ""
		for k, v := range r.Headers {
			if strings.EqualFold(k, name) {
				wanted = v
			}
		}
		got := g.header.Get(name)
		switch {
		case name == "Date":
			wanted, got = fmt.Sprint(wanted != ""), fmt.Sprint(got != "")
			if g.status < 200 {
				continue // net/http and our tests write no date there
			}
		case name == "Connection" && g.http10 && got == "":
			got = "close" // that is what HTTP/1.0 means
		}
		if wanted != got {
			return fmt.Sprintf("%s: want %q, got %q", name, wanted, got)
		}
	}
	if bytes.HasPrefix(r.BodyHead, []byte("method=")) {
		if len(r.BodyHead) < r.BodyLen {
			return "" // the file has its beginning only
		}
		return envDiffers(string(r.BodyHead), string(g.body))
	}
	if len(g.body) != r.BodyLen {
		return fmt.Sprintf("body: want %d bytes (%q), got %q", r.BodyLen, r.BodyHead, g.body[:min(len(g.body), 200)])
	}
	if !bytes.HasPrefix(g.body, r.BodyHead) {
		return fmt.Sprintf("body: want %q, got %q", r.BodyHead, g.body[:min(len(g.body), 200)])
	}
	return ""
}

// envDiffers compares what the app saw. The order of fields and the case of their names are not Go's to keep.
func envDiffers(want, got string) string {
	w, g := envLines(want), envLines(got)
	path := func(m map[string]string) []string {
		once, _ := url.PathUnescape(m["path"])
		return []string{m["path"], once}
	}
	if !slices.ContainsFunc(path(w), func(s string) bool { return slices.Contains(path(g), s) }) {
		return fmt.Sprintf("path: want %q, got %q", w["path"], g["path"])
	}
	delete(w, "path")
	delete(g, "path")
	if !maps.Equal(w, g) {
		return fmt.Sprintf("the app saw %q, want %q", g, w)
	}
	return ""
}

func envLines(s string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(s) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if header, ok := strings.CutPrefix(line, "header "); ok {
			name, value, _ = strings.Cut(strings.TrimSpace(header), ":")
			name, value = "header "+strings.ToLower(name), strings.TrimSpace(value)
		}
		if name != "remote" {
			m[name] = value
		}
	}
	return m
}
