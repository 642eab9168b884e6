package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// coldStart is how long the first byte of the first answer took in each round.
type coldStart struct {
	name string
	took []time.Duration // from the request
	own  []time.Duration // of the app alone, from its start
}

// over is by how much it took longer in each round.
func (c coldStart) over() (list []time.Duration) {
	for i, d := range c.took {
		list = append(list, d-c.own[i])
	}
	return list
}

// again are the ways in which the app that was started by a first request is killed, and a second one is measured. There the app
// is a Go program, and gorun sees before the start that nothing of its sources has changed.
const again = ", again"

// measureCold adds how much later the first byte comes from an app that the request starts. Each round starts the app alone and, in
// each way, a new gorun.
func measureCold(ctx context.Context, b *bench, r *report) error {
	starts := []*coldStart{{name: outOfProcess}, {name: inProcess}, {name: outOfProcess + again}, {name: inProcess + again}}
	const unmeasured = 1 // rounds: what the disk has to be read for is nobody's
	for round := range unmeasured + b.cold {
		own, err := b.coldAlone(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", alone, err)
		}
		for turn := range starts {
			s := starts[(turn+round)%len(starts)]
			took, err := b.coldBehind(ctx, s.name)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if round >= unmeasured {
				s.took, s.own = append(s.took, took), append(s.own, own)
			}
		}
		fmt.Fprintf(os.Stderr, "cold: round %d of %d\n", round+1, unmeasured+b.cold)
	}
	for _, s := range starts {
		r.cold = append(r.cold, *s)
	}
	return nil
}

// coldBehind starts gorun, and makes the first request as soon as it listens.
func (b *bench) coldBehind(ctx context.Context, way string) (took time.Duration, err error) {
	s := &site.Site{Way: way}
	defer func() { err = errors.Join(err, s.Stop()) }()
	role, twice := strings.CutSuffix(way, again)
	args := []string{"-lp", role}
	if twice {
		args = []string{"-lp", role + ofGoProgram, "-c", subject.Release, b.source}
	}
	if err := b.startGorun(ctx, s, "http", args...); err != nil {
		return 0, err
	}
	address := strings.TrimPrefix(s.Base, "http://")
	took, err = firstByte(ctx, address, time.Now())
	if !twice || err != nil {
		return took, err
	}
	if err := killApp(ctx, s); err != nil {
		return 0, err
	}
	return firstByte(ctx, address, time.Now())
}

// killApp kills the app behind gorun, and returns when gorun has seen it.
func killApp(ctx context.Context, s *site.Site) error {
	groups, err := processes(s)
	if err != nil {
		return err
	}
	app, err := os.FindProcess(groups[len(groups)-1].PIDs[0])
	if err != nil {
		return err
	}
	if err := app.Kill(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, site.StartLimit, errors.New("gorun does not see that the app is killed"))
	defer cancel()
	for len(subject.Children(s.Front().PID())) > 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// coldAlone starts the app and makes a request as soon as it listens.
func (b *bench) coldAlone(ctx context.Context) (took time.Duration, err error) {
	port, err := site.FreePort()
	if err != nil {
		return 0, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(ctx, site.StartLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.app)
	cmd.Env = append(b.environ(), "ASPNETCORE_URLS=http://"+address, "BENCH_STDIN=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	took, err = firstByte(ctx, address, start)
	stdin.Close()
	return took, errors.Join(err, cmd.Wait())
}

// firstByte makes a request and gives when its answer, which must be 200, began.
func firstByte(ctx context.Context, address string, since time.Time) (time.Duration, error) {
	conn, err := site.Dial(ctx, address, 100*time.Microsecond)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(site.StartLimit)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+address+"\r\n\r\n"); err != nil {
		return 0, err
	}
	answer := bufio.NewReader(conn)
	if _, err := answer.Peek(1); err != nil {
		return 0, err
	}
	took := time.Since(since)
	return took, load.ReadAnswer(answer)
}
