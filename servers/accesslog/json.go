package accesslog

import (
	"io"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// JSON writes a line with one JSON object for each request, with a single call of Write. Its keys are "time", which is the
// end of the request in UTC, and the attributes of Slog. Bytes that are not UTF-8 become U+FFFD. w need not be safe for
// concurrent use, but is the Log's alone. A nil w makes a Log that does nothing.
func JSON(w io.Writer, extra ...Extra) Log {
	if w == nil {
		return Log{}
	}
	s := newStructured(extra)
	out := &sink{w: w, form: "json"}
	return Log{exchange.Listener{End: func(e *exchange.Exchange) {
		room := rooms.Get().(*[maxAttributes]slog.Attr)
		defer rooms.Put(room)
		b := getBuffer()
		*b = appendObject(*b, ended(e), s.attributes(room[:0], e))
		out.line(*b)
		putBuffer(b)
	}}}
}

// appendObject writes what slog.JSONHandler would, without level and message, in a fraction of the time.
func appendObject(b []byte, at time.Time, attrs []slog.Attr) []byte {
	b = append(b, `{"time":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	for _, a := range attrs {
		b = append(b, ',')
		b = appendString(b, a.Key)
		b = append(b, ':')
		b = appendValue(b, a.Value)
	}
	return append(b, "}\n"...)
}

func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'f', -1, 64) // a duration: neither NaN nor infinite
	}
	return appendString(b, v.String())
}

// appendString quotes s (RFC 8259, 7).
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // U+FFFD for what is not UTF-8
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
