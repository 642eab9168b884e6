package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// request is what clients send in a scenario.
type request struct {
	scheme string // http, https or h2c
	method string
	path   string
	body   string
	http2  bool
}

// scenario is one kind of load.
type scenario struct {
	name    string
	request request
	load    load
	fresh   bool // each run has a process of its own
	pairs   int  // at most so many; 0 for no limit
}

// load measures one run. It ends within seconds of d, also when the server does not answer, and when ctx does.
type load interface {
	measure(ctx context.Context, b *bench, s *server, r request, d time.Duration) (sample, error)
	tool() tool
}

// tool is a program that makes load; the zero value is this one.
type tool struct{ name, debian string }

const connections = 64 // of wrk and h2load

// scenarios are those that there are, in the order of the table.
func scenarios() []scenario {
	return []scenario{
		{name: plaintext, request: request{scheme: "http", method: "GET", path: "/"}, load: wrk{}},
		{name: "json", request: request{scheme: "http", method: "GET", path: "/json"}, load: wrk{}},
		{name: "post", request: request{scheme: "http", method: "POST", path: "/echo", body: "hello"}, load: wrk{script: postScript}},
		{name: "files", request: request{scheme: "http", method: "GET", path: "/file"}, load: wrk{}},
		{name: "https", request: request{scheme: "https", method: "GET", path: "/"}, load: wrk{}},
		{name: "handshakes", request: request{scheme: "https", method: "GET", path: "/"}, load: handshakes{}},
		{name: "h2", request: request{scheme: "https", method: "GET", path: "/", http2: true}, load: h2load{}},
		{name: "h2c", request: request{scheme: "h2c", method: "GET", path: "/", http2: true}, load: h2load{}},
		// Memory hardly differs from run to run, so a few are enough.
		{name: "idle", request: request{scheme: "http", method: "GET", path: "/"}, load: idle{}, fresh: true, pairs: 3},
	}
}

// plaintext is the scenario of which profiles are made.
const plaintext = "plaintext"

// choose gives the scenarios with these names, in their own order; all without any name.
func choose(all []scenario, names []string) ([]scenario, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	var chosen []scenario
	for _, s := range all {
		known = append(known, s.name)
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no scenario %q, there are %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// findTools says which programs are missing, and where they come from.
func findTools(chosen []scenario) error {
	for _, s := range chosen {
		t := s.load.tool()
		if t == (tool{}) {
			continue
		}
		if _, err := exec.LookPath(t.name); err != nil {
			return fmt.Errorf("scenario %s needs %s, which is not installed; Debian has it in the package %s", s.name, t.name, t.debian)
		}
	}
	return nil
}
