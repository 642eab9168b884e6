package broker

import (
	"log/slog"
	"time"
)

// Options say how a broker works. Only Folder has to be set.
type Options struct {
	Folder  string // where its socket is, see wire.Folder; made when it is not there
	Version string // of gorun, for those who connect
	// Store has certificates and reservations. Nil: none.
	Store *Store
	// Log gets what goes wrong, each kind of thing once. Nil: slog.Default().
	Log *slog.Logger
	// Persistent keeps the broker when nobody uses it.
	Persistent bool
	// Linger is how long the broker stays when nobody is connected to it. 0: 5 s.
	Linger time.Duration
	// HeadWait is how long a client may take from the connection to the end of its first head (Timeouts.HeaderWait). 0: 2 minutes.
	HeadWait time.Duration
	// Barrier is how long a program may take to learn of another's new prefixes before they count without it. 0: 2 s.
	Barrier time.Duration
	// MaxHeads is how many connections may wait for their first head; the oldest one goes for one more. 0: half of the
	// descriptors that the process may have.
	MaxHeads int
}

// The defaults of Options.
const (
	DefaultLinger   = 5 * time.Second
	DefaultHeadWait = 2 * time.Minute
	DefaultBarrier  = 2 * time.Second
)

// The defaults of wire.Open (reference: servers.md, 4.1). A queue's limit is never more than a quarter of the descriptors that the
// broker's process may have.
const (
	DefaultQueueLimit   = 1000
	DefaultQueueTimeout = 2 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{{&o.Linger, DefaultLinger}, {&o.HeadWait, DefaultHeadWait}, {&o.Barrier, DefaultBarrier}} {
		if *d.value <= 0 {
			*d.value = d.instead
		}
	}
	return o
}
