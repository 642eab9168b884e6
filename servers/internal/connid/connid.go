// Package connid names connections as Kestrel does: "0HNB3J7GQ1T5M", 13 characters that are ordered as the connections are
// and differ between all connections of a process.
//
// It knows nothing of connections: who accepts one asks for a name. The number of the last name is the package's one
// variable, because two servers of a process must not give the same name; it means nothing to anyone else.
//
// New may be called by several goroutines at once.
package connid

import (
	"sync/atomic"
	"time"
)

// Length is how long a name is.
const Length = 13

// digits are those of base 32 with extended hex (RFC 4648, 7), whose order is that of their values.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV"

// last is 0 until the first name. It begins with the clock, so that names in the logs of two runs differ as well.
var last atomic.Int64

// New gives a name that this process has not given before (Kestrel's CorrelationIdGenerator).
func New() string {
	if last.Load() == 0 {
		last.CompareAndSwap(0, ticks(time.Now()))
	}
	return text(last.Add(1))
}

// ticks are .NET's: 100 nanoseconds since the year 1.
func ticks(t time.Time) int64 {
	const yearOneToUnix = 62_135_596_800 // seconds
	return (t.Unix()+yearOneToUnix)*1e7 + int64(t.Nanosecond()/100)
}

func text(n int64) string {
	var b [Length]byte
	for i := Length - 1; i >= 0; i-- {
		b[i] = digits[n&31]
		n >>= 5
	}
	return string(b[:])
}
