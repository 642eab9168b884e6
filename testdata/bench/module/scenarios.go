package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// The ways to serve the app.
const (
	alone        = "the app alone"
	inProcess    = "in-process"
	outOfProcess = "out-of-process"
	nginx        = "nginx"
	reverseProxy = "ReverseProxy"
)

// scenario is something to be measured, and what is needed for it.
type scenario struct {
	name    string
	wrk     bool
	nginx   bool
	measure func(ctx context.Context, b *bench, r *report) error
}

// report is what was measured.
type report struct {
	loads  []site.Result
	memory []site.Footprint
	cold   []coldStart
}

// scenarios are those that there are, in the order of the tables.
func scenarios() []scenario {
	get := func(path string) subject.Request {
		return subject.Request{Scheme: "http", Method: http.MethodGet, Path: path}
	}
	https, post := get("/"), get("/echo")
	https.Scheme = "https"
	post.Method, post.Body = http.MethodPost, load.PostBody
	return []scenario{
		compared("in-process", inProcess, alone, get("/"), "0.99 or more"),
		compared("out-of-process", outOfProcess, nginx, get("/"), "1.0, no less than 0.85"),
		compared("nginx", nginx, alone, get("/"), "(reference: 0.6)"),
		compared("reverseproxy", outOfProcess, reverseProxy, get("/"), "2.0 or more"),
		compared("hosting", inProcess, outOfProcess, get("/"), "printed"),
		compared("https", outOfProcess, nginx, https, "printed"),
		compared("post", outOfProcess, nginx, post, "printed"),
		compared("16k", outOfProcess, nginx, get("/16k"), "printed"),
		compared("1m", outOfProcess, nginx, get("/1m"), "printed"),
		{name: "idle", nginx: true, measure: measureIdle},
		{name: "cold", measure: measureCold},
	}
}

// choose gives the scenarios with these names.
func choose(names []string) ([]scenario, error) {
	return load.Choose(scenarios(), func(s scenario) string { return s.name }, names)
}

// findTools finds the programs that the scenarios need, or says which is missing and where it comes from.
func (b *bench) findTools(ctx context.Context, chosen []scenario) (err error) {
	for _, s := range chosen {
		if s.wrk {
			if err := (load.Wrk{}).Tool().Find(); err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, err)
			}
		}
		if s.nginx && b.nginx.Path == "" {
			if b.nginx, err = site.FindNginx(ctx); err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, err)
			}
		}
	}
	return nil
}
