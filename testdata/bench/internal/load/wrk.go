package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Connections is how many wrk and h2load have.
const Connections = 64

// PostScript is a Lua script that has wrk send a small POST, with PostBody.
const (
	PostScript = "wrk.method = \"POST\"\nwrk.body = \"" + PostBody + "\"\nwrk.headers[\"Content-Type\"] = \"text/plain\"\n"
	PostBody   = "hello"
)

// Wrk is HTTP/1.1 on connections that stay open as long as the server lets them, one request at a time on each. The zero value
// asks for the URL alone.
type Wrk struct {
	Script  string   // the path of a Lua script, "" for none
	Headers []string // of each request, such as "Connection: close"
	Threads int      // among which the connections are divided evenly; 0: 2
}

// Tool is wrk.
func (Wrk) Tool() Tool { return Tool{"wrk", "wrk"} }

// Measure asks for url during d, which is whole seconds.
func (w Wrk) Measure(ctx context.Context, url string, d time.Duration) (Sample, error) {
	out, err := w.Tool().Run(ctx, d, append(w.args(d), url)...)
	if err != nil {
		return Sample{}, err
	}
	return parseWrk(out)
}

// args are those before the URL.
func (w Wrk) args(d time.Duration) []string {
	args := []string{"-t" + strconv.Itoa(cmp.Or(w.Threads, 2)), "-c" + strconv.Itoa(Connections), "-d" + Seconds(d) + "s", "--latency"}
	for _, h := range w.Headers {
		args = append(args, "-H", h)
	}
	if w.Script != "" {
		args = append(args, "-s", w.Script)
	}
	return args
}

// parseWrk reads what wrk --latency prints.
func parseWrk(text string) (s Sample, err error) {
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "50%":
			s.P50, err = time.ParseDuration(fields[1])
			keep(err)
		case len(fields) == 2 && fields[0] == "99%":
			s.P99, err = time.ParseDuration(fields[1])
			keep(err)
		case len(fields) == 2 && fields[0] == "Requests/sec:":
			s.Value, err = strconv.ParseFloat(fields[1], 64)
			keep(err)
		case strings.HasPrefix(strings.TrimSpace(line), "Socket errors:"):
			n, err := sumOfCounts(fields[2:])
			s.Errors += n
			keep(err)
		case strings.HasPrefix(strings.TrimSpace(line), "Non-2xx or 3xx responses:"):
			n, err := strconv.Atoi(fields[len(fields)-1])
			s.Errors += n
			keep(err)
		}
	}
	if err := errors.Join(append(errs, s.Check())...); err != nil {
		return Sample{}, fmt.Errorf("wrk: %w:\n%s", err, text)
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
