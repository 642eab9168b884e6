package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// h2load is HTTP/2: some requests at a time on each of several connections, which are made before the run.
type h2load struct{}

const (
	streams = 10 // requests at a time on a connection

	// connecting is how long h2load sends requests, after its handshakes, before it counts.
	connecting = 500 * time.Millisecond
)

func (h2load) tool() load.Tool { return load.Tool{Name: "h2load", Debian: "nghttp2-client"} }

func (h h2load) measure(ctx context.Context, b *bench, s *server, r subject.Request, d time.Duration) (load.Sample, error) {
	log := filepath.Join(b.dir, "h2load.log")
	out, err := h.tool().Run(ctx, d+connecting, "-t2", "-c"+strconv.Itoa(load.Connections), "-m"+strconv.Itoa(streams),
		"-D"+load.Seconds(d), "--warm-up-time="+strconv.Itoa(int(connecting.Milliseconds()))+"ms", "--log-file="+log, s.url(r))
	if err != nil {
		return load.Sample{}, err
	}
	defer os.Remove(log)
	measured, err := parseH2load(out)
	if err != nil {
		return load.Sample{}, err
	}
	f, err := os.Open(log)
	if err != nil {
		return load.Sample{}, err
	}
	defer f.Close()
	latencies, err := parseH2loadLog(f)
	if err != nil {
		return load.Sample{}, err
	}
	measured.P50, measured.P99 = load.Quantile(latencies, 0.5), load.Quantile(latencies, 0.99)
	return measured, nil
}

// parseH2load reads what h2load prints, which has no percentiles. Its exit status says nothing: it is 0 even when
// nobody answers.
func parseH2load(text string) (s load.Sample, err error) {
	var errs []error
	protocol := ""
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case name == "Application protocol":
			protocol = strings.TrimSpace(rest)
		case name == "requests":
			n, err := h2loadCount(rest, "failed")
			s.Errors += n
			errs = append(errs, err)
		case name == "status codes": // a 3xx is not among the failed ones
			n, err := h2loadCount(rest, "3xx")
			s.Errors += n
			errs = append(errs, err)
		case strings.HasPrefix(name, "finished in "):
			s.Value, err = h2loadRate(name)
			errs = append(errs, err)
		}
	}
	if protocol != "h2" && protocol != "h2c" {
		errs = append(errs, fmt.Errorf("the protocol is %q", protocol))
	}
	if err := errors.Join(append(errs, s.Check())...); err != nil {
		return load.Sample{}, fmt.Errorf("h2load: %w:\n%s", err, text)
	}
	return s, nil
}

// h2loadRate reads "finished in 1.01s, 40211.00 req/s, 1.35MB/s".
func h2loadRate(line string) (float64, error) {
	fields := strings.Fields(line)
	at := slices.Index(fields, "req/s,")
	if at < 1 {
		return 0, fmt.Errorf("no rate in %q", line)
	}
	return strconv.ParseFloat(fields[at-1], 64)
}

// h2loadCount finds the number before a name in "40211 total, 40851 started, 0 failed".
func h2loadCount(list, name string) (int, error) {
	for item := range strings.SplitSeq(list, ",") {
		if count, ok := strings.CutSuffix(strings.TrimSpace(item), " "+name); ok {
			return strconv.Atoi(count)
		}
	}
	return 0, fmt.Errorf("no number of %s in %q", name, list)
}

// parseH2loadLog reads the file of h2load --log-file, and gives the latencies of the requests in order of size. Its
// columns are when a request began, its status and how many microseconds it took.
func parseH2loadLog(r io.Reader) ([]time.Duration, error) {
	var latencies []time.Duration
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) < 3 {
			return nil, fmt.Errorf("h2load: no latency in %q of its log", lines.Text())
		}
		us, err := strconv.ParseInt(columns[2], 10, 32)
		if err != nil || us < 0 {
			return nil, fmt.Errorf("h2load: %q in its log is no latency", columns[2])
		}
		latencies = append(latencies, time.Duration(us)*time.Microsecond)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(latencies) == 0 {
		return nil, errors.New("h2load: its log is empty")
	}
	slices.Sort(latencies)
	return latencies, nil
}
