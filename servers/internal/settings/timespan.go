package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// never is Timeout.InfiniteTimeSpan, as .NET writes it.
const never = "-00:00:00.0010000"

// tick is what a TimeSpan counts.
const tick = 100 * time.Nanosecond

// parseTimeSpan reads [-]{ d | [d.]hh:mm[:ss[.fffffff]] } or [-]d:hh:mm:ss[.fffffff], blanks around it, as TimeSpan.Parse does.
// That takes 10 for ten days, and 24:00:00 for 24 days, because there is no hour 24: so does this. What is longer than
// a Duration can be is the longest Duration.
func parseTimeSpan(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	s, negative := strings.CutPrefix(s, "-")
	parts, fraction, ok := splitTimeSpan(s)
	if !ok {
		return 0, false
	}
	d, ok := sum(parts)
	if !ok {
		return 0, false
	}
	if d += fraction; d < 0 {
		d = math.MaxInt64
	}
	if negative {
		d = -d
	}
	return d, true
}

// splitTimeSpan gives days, hours, minutes and seconds, and the fraction of a second.
func splitTimeSpan(s string) (parts [4]int64, fraction time.Duration, ok bool) {
	fields := strings.Split(s, ":")
	last := len(fields) - 1
	seconds, digits, fractional := strings.Cut(fields[last], ".")
	if fractional && last >= 2 {
		if fraction, ok = parseFraction(digits); !ok {
			return parts, 0, false
		}
		fields[last] = seconds
	}
	withDays := last != 1 && last != 2
	if days, hours, found := strings.Cut(fields[0], "."); found && !withDays {
		fields, withDays = append([]string{days, hours}, fields[1:]...), true
	} else if !withDays {
		fields = append([]string{"0"}, fields...)
	}
	if len(fields) > 4 {
		return parts, 0, false
	}
	for i, field := range fields {
		n, err := strconv.ParseUint(field, 10, 31)
		if err != nil {
			return parts, 0, false
		}
		parts[i] = int64(n)
	}
	if last == 2 && !withDays && !fractional && parts[1] > 23 { // hh:mm:ss with no such hour is d:hh:mm
		parts = [4]int64{parts[1], parts[2], parts[3]}
	}
	return parts, fraction, true
}

// parseFraction reads up to seven digits, the first of which are tenths.
func parseFraction(digits string) (time.Duration, bool) {
	if digits == "" || len(digits) > 7 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits+"000000"[len(digits)-1:], 10, 32)
	return time.Duration(n) * tick, err == nil
}

func sum(p [4]int64) (time.Duration, bool) {
	const maxDays = 10_675_199 // of a TimeSpan
	if p[0] > maxDays || p[1] > 23 || p[2] > 59 || p[3] > 59 {
		return 0, false
	}
	if p[0] > math.MaxInt64/int64(24*time.Hour)-1 {
		return math.MaxInt64, true
	}
	return time.Duration(p[0])*24*time.Hour + time.Duration(p[1])*time.Hour + time.Duration(p[2])*time.Minute + time.Duration(p[3])*time.Second, true
}

// formatTimeSpan gives what parseTimeSpan reads, as TimeSpan.ToString does. Less than 0 is never.
func formatTimeSpan(d time.Duration) string {
	if d < 0 {
		return never
	}
	day, s := d/(24*time.Hour), ""
	if day > 0 {
		s = fmt.Sprintf("%d.", day)
	}
	d %= 24 * time.Hour
	s += fmt.Sprintf("%02d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if ticks := d % time.Second / tick; ticks > 0 {
		s += fmt.Sprintf(".%07d", ticks)
	}
	return s
}

// timeout reads a time that is not below least; never, and what a Duration cannot hold, become -1.
func (r *reader) timeout(to *time.Duration, least time.Duration) func(*node) {
	const advice = "write " + never + " for no limit"
	bound := least.String() + " or more"
	if least == tick {
		bound = "more than 0"
	}
	return func(n *node) {
		d, ok := r.timeSpan(n, advice)
		switch {
		case !ok:
		case d == -time.Millisecond || d == math.MaxInt64:
			*to = -1
		case d < least:
			r.fail(n, advice, "it must be %s, not %q", bound, n.text)
		default:
			*to = d
		}
	}
}

// timeSpan reads a time. advice is for one that is null or empty.
func (r *reader) timeSpan(n *node, advice string) (time.Duration, bool) {
	if !r.isScalar(n) {
		return 0, false
	}
	if n.text == "" {
		r.fail(n, advice, "it must be a time")
		return 0, false
	}
	d, ok := parseTimeSpan(n.text)
	if !ok {
		r.fail(n, "write hours:minutes:seconds, such as 00:02:00; a number alone is days", "%q is not a time", n.text)
	}
	if days := strings.TrimSpace(n.text); ok && d > 0 && strings.Trim(days, "0123456789") == "" {
		r.warn(n, "write hours:minutes:seconds, such as 00:02:00", "%s is as many days, as .NET reads it", days)
	}
	return d, ok
}
