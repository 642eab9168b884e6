package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/gorun-dev/gorun/servers/reverseproxy"
	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
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
	loads  []result
	memory []footprint
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
		comparison{"in-process", inProcess, alone, get("/"), "0.99 or more"}.scenario(),
		comparison{"out-of-process", outOfProcess, nginx, get("/"), "1.0, no less than 0.85"}.scenario(),
		comparison{"nginx", nginx, alone, get("/"), "(reference: 0.6)"}.scenario(),
		comparison{"reverseproxy", outOfProcess, reverseProxy, get("/"), "2.0 or more"}.scenario(),
		comparison{"hosting", inProcess, outOfProcess, get("/"), "printed"}.scenario(),
		comparison{"https", outOfProcess, nginx, https, "printed"}.scenario(),
		comparison{"post", outOfProcess, nginx, post, "printed"}.scenario(),
		comparison{"16k", outOfProcess, nginx, get("/16k"), "printed"}.scenario(),
		comparison{"1m", outOfProcess, nginx, get("/1m"), "printed"}.scenario(),
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
			if b.nginx, err = reverseproxy.Find(ctx, reverseproxy.Nginx, os.Getenv); err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, withHint(err))
			}
		}
	}
	return nil
}

// withHint adds what can be done to an error that knows it.
func withHint(err error) error {
	if hinting, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return fmt.Errorf("%w; %s", err, hinting.Hint())
	}
	return err
}
