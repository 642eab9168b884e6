package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// scenario is one kind of load.
type scenario struct {
	name    string
	request subject.Request
	load    loader
	fresh   bool // each run has a process of its own
	pairs   int  // at most so many; 0 for no limit
}

// loader measures one run. It ends within seconds of d, also when the server does not answer, and when ctx does.
type loader interface {
	measure(ctx context.Context, b *bench, s *server, r subject.Request, d time.Duration) (load.Sample, error)
	tool() load.Tool // that makes it
}

// scenarios are those that there are, in the order of the table.
func scenarios() []scenario {
	return []scenario{
		{name: plaintext, request: subject.Request{Scheme: "http", Method: "GET", Path: "/"}, load: wrk{}},
		{name: "json", request: subject.Request{Scheme: "http", Method: "GET", Path: "/json"}, load: wrk{}},
		{name: "post", request: subject.Request{Scheme: "http", Method: "POST", Path: "/echo", Body: load.PostBody}, load: wrk{postScript}},
		{name: "files", request: subject.Request{Scheme: "http", Method: "GET", Path: "/file"}, load: wrk{}},
		{name: "https", request: subject.Request{Scheme: "https", Method: "GET", Path: "/"}, load: wrk{}},
		{name: "handshakes", request: subject.Request{Scheme: "https", Method: "GET", Path: "/"}, load: handshakes{}},
		{name: "h2", request: subject.Request{Scheme: "https", Method: "GET", Path: "/", HTTP2: true}, load: h2load{}},
		{name: "h2c", request: subject.Request{Scheme: "h2c", Method: "GET", Path: "/", HTTP2: true}, load: h2load{}},
		// Memory hardly differs from run to run, so a few are enough.
		{name: "idle", request: subject.Request{Scheme: "http", Method: "GET", Path: "/"}, load: idle{}, fresh: true, pairs: 3},
	}
}

// plaintext is the scenario of which profiles are made.
const plaintext = "plaintext"

// choose gives the scenarios with these names, in their own order; all without any name.
func choose(all []scenario, names []string) ([]scenario, error) {
	return load.Choose(all, func(s scenario) string { return s.name }, names)
}

// findTools says which programs are missing, and where they come from.
func findTools(chosen []scenario) error {
	for _, s := range chosen {
		if err := s.load.tool().Find(); err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
	}
	return nil
}

// wrk is HTTP/1.1 on connections that stay open.
type wrk struct{ script string } // a Lua script in the bench's folder, "" for none

// postScript is the script that has wrk send the scenario's post.
const postScript = "post.lua"

func (wrk) tool() load.Tool { return load.Wrk{}.Tool() }

func (w wrk) measure(ctx context.Context, b *bench, s *server, r subject.Request, d time.Duration) (load.Sample, error) {
	var by load.Wrk
	if w.script != "" {
		by.Script = filepath.Join(b.dir, w.script)
	}
	return by.Measure(ctx, s.url(r), d)
}
