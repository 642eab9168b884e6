package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
)

// What h2load of nghttp2 1.52.0 printed, without its lines about threads.
const (
	h2loadFast = `starting benchmark...
progress: 100% of clients started
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2

finished in 1.01s, 40211.00 req/s, 1.35MB/s
requests: 40211 total, 40851 started, 40211 done, 40211 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 40231 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.35MB (1415197) total, 160.71KB (164572) headers (space savings 94.95%), 510.49KB (522743) data
                     min         max         mean         sd        +/- sd
time for request:      145us     78.64ms     14.85ms      8.64ms    81.08%
time for connect:     3.54ms     64.87ms     22.73ms     17.86ms    78.13%
time to 1st byte:    16.96ms     83.14ms     49.20ms     19.44ms    73.44%
req/s           :     566.83      728.54      627.38       36.36    67.19%
`
	h2loadAborted = `Application protocol: h2

finished in 1.00s, 43483.00 req/s, 1.01MB/s
requests: 48314 total, 48354 started, 48314 done, 43483 succeeded, 4831 failed, 4831 errored, 0 timeout
status codes: 43483 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.01MB (1063424) total, 170.12KB (174200) headers (space savings 95.78%), 42.46KB (43483) data
`
	h2loadMoved = `Application protocol: h2

finished in 1.00s, 33375.00 req/s, 1.50MB/s
requests: 33375 total, 33415 started, 33375 done, 33375 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 0 2xx, 33388 3xx, 0 4xx, 0 5xx
`
	h2loadNothing = `Application protocol: h2c

finished in 1.00s, 0.00 req/s, 780B/s
requests: 0 total, 40 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 0 4xx, 0 5xx
`
)

func TestParseH2load(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want load.Sample
		fail bool
	}{
		"fast":              {text: h2loadFast, want: load.Sample{Value: 40211}},
		"aborted":           {text: h2loadAborted, want: load.Sample{Value: 43483, Errors: 4831}},
		"moved":             {text: h2loadMoved, want: load.Sample{Value: 33375, Errors: 33388}},
		"without TLS":       {text: strings.Replace(h2loadFast, "protocol: h2", "protocol: h2c", 1), want: load.Sample{Value: 40211}},
		"not HTTP/2":        {text: strings.Replace(h2loadFast, "protocol: h2", "protocol: http/1.1", 1), fail: true},
		"nothing answered":  {text: h2loadNothing, fail: true},
		"nothing at all":    {fail: true},
		"no count":          {text: strings.Replace(h2loadFast, "0 failed", "failed", 1), fail: true},
		"no rate":           {text: strings.Replace(h2loadFast, "req/s,", "", 1), fail: true},
		"a rate of its own": {text: "Application protocol: h2\nfinished in req/s,\n", fail: true},
	} {
		got, err := parseH2load(test.text)
		if got != test.want || (err != nil) != test.fail {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestParseH2loadLog(t *testing.T) {
	t.Parallel()
	log := "1795282096322811\t200\t11726\n1795282096322811\t200\t11681\n1795282251130575\t-1\t609\n"
	want := []time.Duration{609 * time.Microsecond, 11681 * time.Microsecond, 11726 * time.Microsecond}
	if got, err := parseH2loadLog(strings.NewReader(log)); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, wrong := range []string{"", "1\t200\n", "1\t200\tslow\n", "1\t200\t-5\n", "\n"} {
		if got, err := parseH2loadLog(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q gives %v", wrong, got)
		}
	}
}

func FuzzParseH2load(f *testing.F) {
	for _, text := range []string{h2loadFast, h2loadAborted, h2loadMoved, h2loadNothing, "Application protocol: h2\nfinished in 1s, Inf req/s,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseH2load(text)
		if err == nil && got.Check() != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func FuzzParseH2loadLog(f *testing.F) {
	f.Add("1795282096322811\t200\t11726\n1795282096322811\t-1\t11681\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseH2loadLog(strings.NewReader(text))
		if err == nil && (!slices.IsSorted(got) || len(got) == 0 || got[0] < 0) {
			t.Errorf("got %v", got)
		}
	})
}
