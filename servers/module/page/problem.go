package page

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// outputLines is how many of the program's last lines a page shows.
const outputLines = 30

// problem is a Failure as it is shown: nothing in it needs to be hidden any more. In JSON it is a problem of RFC 9457, of type
// about:blank, with members of its own.
type problem struct {
	Title     string    `json:"title"` // the status in words
	Status    int       `json:"status"`
	Detail    string    `json:"detail,omitempty"` // the heading
	SubStatus int       `json:"subStatus"`
	Name      string    `json:"name"`
	Reason    string    `json:"reason,omitempty"`
	Program   string    `json:"program,omitempty"`
	Command   []string  `json:"command,omitempty"`
	Attempts  []attempt `json:"attempts,omitempty"`
	ExitCode  *int      `json:"exitCode,omitempty"`
	Signal    string    `json:"signal,omitempty"`
	Cause     []string  `json:"cause,omitempty"`  // lines
	Output    []string  `json:"output,omitempty"` // lines
	Settings  []Setting `json:"settings,omitempty"`
	Advice    []string  `json:"advice,omitempty"`
	Link      string    `json:"link,omitempty"`

	code        string // "502.5"
	commandLine string // Command as one would type it
}

type attempt struct {
	Port     uint16  `json:"port,omitempty"`
	Duration float64 `json:"durationMs"`
	Err      string  `json:"error,omitempty"`

	took string
}

// problem is what is shown of f.
func (f Failure) problem() problem {
	k := f.kind()
	p := problem{
		Title: http.StatusText(k.Status()), Status: k.Status(), SubStatus: k.SubStatus(), Name: k.Name(), code: k.String(),
	}
	if f.Short {
		return p
	}
	r := newRedactor(f.Redact)
	p.Program = oneLine(f.Program)
	p.Detail, p.Reason = k.heading(p.Program), k.Reason()
	if f.Missing {
		p.Detail, p.Reason = named("* could not be started", p.Program), "There was no program to start: it does not build, or was not found."
	}
	p.Command, p.commandLine = r.command(f.Command)
	for _, a := range f.tried() {
		p.Attempts = append(p.Attempts, attempt{a.Port, float64(a.Duration.Microseconds()) / 1000, r.line(a.Err), brief(a.Duration)})
	}
	p.ExitCode, p.Signal = f.ExitCode, r.line(f.Signal)
	for _, s := range f.Settings {
		p.Settings = append(p.Settings, Setting{oneLine(s.Name), r.line(s.Value), r.line(s.Place)})
	}
	for _, line := range f.Advice {
		p.Advice = append(p.Advice, r.line(line))
	}
	p.Advice = append(p.Advice, f.advice()...)
	p.Link = oneLine(f.Link)
	if f.Detailed {
		p.Cause, p.Output = lines(r.text(f.Cause)), lastLines(r.output(f.Output), outputLines)
	}
	return p
}

// tried are the attempts in which there was something to try.
func (f Failure) tried() []Attempt {
	if f.Missing {
		return nil
	}
	return f.Attempts
}

// advice is what follows the Failure's own.
func (f Failure) advice() []string {
	if f.Missing {
		return adviseMissing(f)
	}
	return f.kind().facts().advice(f)
}

// ended says how the program ended, "" when it has not.
func (p problem) ended() string {
	switch {
	case p.Signal != "":
		return "signal " + p.Signal
	case p.ExitCode != nil:
		return "exit code " + strconv.Itoa(*p.ExitCode)
	}
	return ""
}

// heading is the number and the sentence, or only the name when that is all there is.
func (p problem) heading() string {
	if p.Detail == "" {
		return p.Name
	}
	return p.code + "  " + p.Detail
}

// String says it on one line, such as "port 21880: it ended before it listened (1.2 s)".
func (a attempt) String() string {
	var b strings.Builder
	if a.Port != 0 {
		b.WriteString("port " + strconv.Itoa(int(a.Port)) + ": ")
	}
	if a.Err == "" {
		return b.String() + a.took
	}
	return b.String() + a.Err + " (" + a.took + ")"
}

// brief is a duration for people: 41 ms, 1.2 s, 2 min 5 s.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute-50*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	d = d.Round(time.Second)
	minutes := strconv.FormatInt(int64(d/time.Minute), 10) + " min"
	if s := d % time.Minute / time.Second; s != 0 {
		return minutes + " " + strconv.FormatInt(int64(s), 10) + " s"
	}
	return minutes
}

func writeJSON(h http.Header, p problem) []byte {
	h.Set("Content-Type", "application/problem+json")
	body, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return append(body, '\n')
}
