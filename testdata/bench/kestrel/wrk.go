package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// toolRest is how much longer than it was told a tool may take.
const toolRest = 20 * time.Second

// wrk is HTTP/1.1 on connections that stay open, one request at a time on each.
type wrk struct{ script string } // a Lua script in the bench's folder, "" for none

// The script that has wrk send the scenario's post.
const (
	postScript = "post.lua"
	postLua    = "wrk.method = \"POST\"\nwrk.body = \"hello\"\nwrk.headers[\"Content-Type\"] = \"text/plain\"\n"
)

func (wrk) tool() tool { return tool{"wrk", "wrk"} }

func (w wrk) measure(ctx context.Context, b *bench, s *server, r request, d time.Duration) (sample, error) {
	args := []string{"-t2", "-c" + strconv.Itoa(connections), "-d" + seconds(d) + "s", "--latency"}
	if w.script != "" {
		args = append(args, "-s", filepath.Join(b.dir, w.script))
	}
	out, err := output(ctx, d, "wrk", append(args, s.url(r))...)
	if err != nil {
		return sample{}, err
	}
	return parseWrk(out)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// output runs a tool that takes d, and gives what it prints. It is killed when it takes much longer, or when ctx ends.
func output(ctx context.Context, d time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d+toolRest, fmt.Errorf("it did not end within %v", d+toolRest))
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s: %w\n%s%s", name, err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// parseWrk reads what wrk --latency prints.
func parseWrk(text string) (s sample, err error) {
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "50%":
			s.p50, err = time.ParseDuration(fields[1])
			keep(err)
		case len(fields) == 2 && fields[0] == "99%":
			s.p99, err = time.ParseDuration(fields[1])
			keep(err)
		case len(fields) == 2 && fields[0] == "Requests/sec:":
			s.value, err = strconv.ParseFloat(fields[1], 64)
			keep(err)
		case strings.HasPrefix(strings.TrimSpace(line), "Socket errors:"):
			n, err := sumOfCounts(fields[2:])
			s.errors += n
			keep(err)
		case strings.HasPrefix(strings.TrimSpace(line), "Non-2xx or 3xx responses:"):
			n, err := strconv.Atoi(fields[len(fields)-1])
			s.errors += n
			keep(err)
		}
	}
	if err := errors.Join(append(errs, s.check())...); err != nil {
		return sample{}, fmt.Errorf("wrk: %w:\n%s", err, text)
	}
	return s, nil
}

// sumOfCounts adds what stands in "connect 0, read 12, write 0, timeout 3".
func sumOfCounts(fields []string) (sum int, err error) {
	if len(fields)%2 != 0 {
		return 0, errors.New("counts have no names")
	}
	for i := 1; i < len(fields); i += 2 {
		n, err := strconv.Atoi(strings.TrimSuffix(fields[i], ","))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
