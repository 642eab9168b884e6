package accesslog

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// W3C writes a line for each request in the W3C's extended log file format, with a single call of Write, after the
// directives #Version, #Start-Date and #Fields, which come with the first request. w need not be safe for concurrent
// use, but is the Log's alone. With a nil w the Log does nothing.
//
// fields are those of IIS and of ASP.NET Core's W3CLogger: KnownFields lists them. cs(Name) is the request header with that
// name, whatever it may hold. A field may also be a list separated by spaces, as a #Fields line has it. Without any it is
// DefaultFields. A field that is not known is an error, which joins a *FieldError for each; the Log then does nothing.
//
// Values are as W3CLogger writes them: date and time are those of the start, in UTC; time-taken is in milliseconds, with a
// fraction; cs-uri-query begins with its '?'; a value that is missing is "-". Spaces, control characters and all that cannot
// be printed become "+", bytes that are not UTF-8 U+FFFD, and a line never begins with '#': no request can forge a line, a
// column or a directive. Unlike IIS, cs-bytes and sc-bytes count bodies alone. cs-username is the name of Basic
// authentication, which the app may have refused: see sc-status. s-sitename, sc-substatus and sc-win32-status, of which
// only IIS knows anything, are always "-".
func W3C(w io.Writer, fields ...string) (Log, error) {
	names := strings.Fields(strings.Join(fields, " "))
	if len(names) == 0 {
		names = DefaultFields()
	}
	columns, names, err := findColumns(names)
	if err != nil {
		return Log{}, err
	}
	if w == nil {
		return Log{}, nil
	}
	s := &sink{w: w, form: "w3c", head: func() [][]byte { return directives(names) }}
	return Log{exchange.Listener{End: func(e *exchange.Exchange) {
		b := getBuffer()
		*b = appendLine(*b, columns, e)
		s.line(*b)
		putBuffer(b)
	}}}, nil
}

// DefaultFields gives the fields that W3C writes when it is not told which: those of W3CLogger. The result is the caller's.
func DefaultFields() []string {
	return strings.Fields("date time c-ip s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status time-taken" +
		" cs-version cs-host cs(User-Agent) cs(Referer)")
}

func directives(names []string) [][]byte {
	return [][]byte{
		[]byte("#Version: 1.0\n"),
		[]byte("#Start-Date: " + time.Now().UTC().Format(time.DateTime) + "\n"),
		[]byte("#Fields: " + strings.Join(names, " ") + "\n"),
	}
}

func appendLine(b []byte, columns []column, e *exchange.Exchange) []byte {
	for i, column := range columns {
		if i > 0 {
			b = append(b, ' ')
		}
		start := len(b)
		if b = column(b, e); len(b) == start {
			b = append(b, '-')
		}
		if i == 0 && b[0] == '#' { // a method may begin with it, and the line would be a directive
			b = slices.Replace(b, 0, 1, '%', '2', '3')
		}
	}
	return append(b, '\n')
}

// FieldError says that W3C was asked for a field that it does not know.
type FieldError struct {
	Name string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("unknown field of the W3C log format: %q", e.Name)
}

// Hint names the fields that there are.
func (*FieldError) Hint() string { return "the fields are " + strings.Join(KnownFields(), ", ") }

// hostname is for s-computername.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
