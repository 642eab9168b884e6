package load

import (
	"testing"
	"time"
)

// What wrk 4.1.0 printed.
const (
	wrkFast = `Running 1s test @ http://127.0.0.1:45163/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.32ms    1.57ms  13.80ms   87.57%
    Req/Sec    32.45k     7.05k   46.71k    65.00%
  Latency Distribution
     50%  790.00us
     75%    1.75ms
     90%    3.26ms
     99%    7.57ms
  64711 requests in 1.01s, 7.10MB read
Requests/sec:  64325.05
Transfer/sec:      7.05MB
`
	wrkNotFound = `Running 1s test @ http://127.0.0.1:45163/nothing
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.30ms    1.64ms  16.86ms   86.87%
    Req/Sec    35.41k     7.01k   44.84k    66.67%
  Latency Distribution
     50%  663.00us
     75%    1.65ms
     90%    3.47ms
     99%    7.66ms
  74187 requests in 1.10s, 12.45MB read
  Non-2xx or 3xx responses: 74187
Requests/sec:  67431.02
Transfer/sec:     11.32MB
`
	wrkAborted = `Running 4s test @ http://127.0.0.1:33871/slow
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.49s    36.97ms   1.55s    57.39%
    Req/Sec    42.80     60.11   150.00     80.00%
  Latency Distribution
     50%    1.49s 
     75%    1.52s 
     90%    1.54s 
     99%    1.55s 
  115 requests in 4.01s, 13.14KB read
  Socket errors: connect 0, read 13, write 0, timeout 0
Requests/sec:     28.68
Transfer/sec:      3.28KB
`
	wrkNothing = `Running 1s test @ https://127.0.0.1:45163/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.00us    0.00us   0.00us    -nan%
    Req/Sec     0.00      0.00     0.00      -nan%
  Latency Distribution
     50%    0.00us
     75%    0.00us
     90%    0.00us
     99%    0.00us
  0 requests in 1.04s, 0.00B read
  Socket errors: connect 7039, read 0, write 0, timeout 0
Requests/sec:      0.00
Transfer/sec:       0.00B
`
)

func TestParseWrk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want Sample
		fail bool
	}{
		"fast":               {text: wrkFast, want: Sample{64325.05, 790 * time.Microsecond, 7570 * time.Microsecond, 0}},
		"not found":          {text: wrkNotFound, want: Sample{67431.02, 663 * time.Microsecond, 7660 * time.Microsecond, 74187}},
		"slow and aborted":   {text: wrkAborted, want: Sample{28.68, 1490 * time.Millisecond, 1550 * time.Millisecond, 13}},
		"nothing answered":   {text: wrkNothing, fail: true},
		"nothing at all":     {fail: true},
		"a rate that is not": {text: "Requests/sec: nan\n", fail: true},
		"cut off":            {text: wrkFast[:len(wrkFast)/2], fail: true},
	} {
		got, err := parseWrk(test.text)
		if got != test.want || (err != nil) != test.fail {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestSumOfCounts(t *testing.T) {
	t.Parallel()
	if got, err := sumOfCounts([]string{"connect", "1,", "read", "20,", "write", "300,", "timeout", "4000"}); got != 4321 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	for _, wrong := range [][]string{{"connect"}, {"connect", "many"}} {
		if got, err := sumOfCounts(wrong); err == nil {
			t.Errorf("%q gives %d", wrong, got)
		}
	}
}

func FuzzParseWrk(f *testing.F) {
	for _, text := range []string{wrkFast, wrkNotFound, wrkAborted, wrkNothing, "50% -1s\nRequests/sec: Inf", "Socket errors:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseWrk(text)
		if err == nil && got.Check() != nil {
			t.Errorf("got %+v", got)
		}
	})
}
