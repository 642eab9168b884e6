package httpsys

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Options are those of HttpSysOptions with its names and defaults (reference: servers.md, 4.1). The zero value is the
// defaults. Those of its options that a server in Go has no use for are not here; docs/httpsys-settings.md says why.
type Options struct {
	// UrlPrefixes are what the server registers for, such as http://+:80/base/. With any of them the addresses of the host
	// are passed over.
	UrlPrefixes []string
	// RequestQueueName is the name of the queue, which several processes can share; at most 260 characters. "" is a queue
	// without a name, for this server alone.
	RequestQueueName string
	// RequestQueueMode says whether the queue must be new. With Attach and CreateOrAttach the settings of a queue that is
	// there already are not changed.
	RequestQueueMode Mode
	// RequestQueueLimit is how many may wait in the queue; one more is answered as Http503Verbosity says. 0 is 1000.
	RequestQueueLimit int64
	// Http503Verbosity is how those are answered for whom the queue or MaxConnections has no room, or who have nobody to serve them.
	Http503Verbosity Verbosity
	// MaxAccepts is how many requests are asked for at once on Windows, and no limit on how many are served. 0 is 5 for each
	// processor. Elsewhere connections come by themselves.
	MaxAccepts int
	// MaxConnections is how many connections may be open; one more is answered as Http503Verbosity says. 0 is what the machine
	// allows, a negative number is no limit.
	MaxConnections int64
	// MaxRequestBodySize is in bytes; a longer body is answered with 413. 0 is what Limits say, else 30,000,000; a negative
	// number is no limit. A handler may change it for its request.
	MaxRequestBodySize int64
	// EnableResponseCaching has responses kept that say so themselves, see package cache. nil is true.
	EnableResponseCaching *bool
	// ClientCertificateMethod says whether handlers see the certificate of a client.
	ClientCertificateMethod ClientCertificateMethod
	// Timeouts are how long a client may take.
	Timeouts Timeouts
}

// Timeouts are those of TimeoutManager (reference: servers.md, 4.1). In each 0 is the default, 2 minutes, and a negative
// time is no limit.
type Timeouts struct {
	EntityBody      time.Duration // until more of a request's body comes
	DrainEntityBody time.Duration // the same for a body that nobody reads. Windows only: elsewhere it is 5 s
	RequestQueue    time.Duration // until somebody takes a request from the queue
	IdleConnection  time.Duration // until the next request on a connection begins
	HeaderWait      time.Duration // from the first byte of a request to the end of its head
	// MinSendBytesPerSecond is how fast a client must take a response. 0 is 150, a negative number is no limit.
	MinSendBytesPerSecond int64
}

// Defaults of HttpSysOptions (reference: servers.md, 4.1).
const (
	DefaultRequestQueueLimit     = 1000
	DefaultTimeout               = 2 * time.Minute
	DefaultMinSendBytesPerSecond = 150
	maxQueueName                 = 260
)

// CachesResponses is EnableResponseCaching with its default.
func (o Options) CachesResponses() bool {
	return o.EnableResponseCaching == nil || *o.EnableResponseCaching
}

// QueueLimit is RequestQueueLimit with its default.
func (o Options) QueueLimit() int64 {
	if o.RequestQueueLimit == 0 {
		return DefaultRequestQueueLimit
	}
	return o.RequestQueueLimit
}

// Or gives o with what it does not say (its zero fields) taken from other.
func (o Options) Or(other Options) Options {
	if o.UrlPrefixes == nil {
		o.UrlPrefixes = other.UrlPrefixes
	}
	if o.EnableResponseCaching == nil {
		o.EnableResponseCaching = other.EnableResponseCaching
	}
	o.RequestQueueName = cmp.Or(o.RequestQueueName, other.RequestQueueName)
	o.RequestQueueMode = cmp.Or(o.RequestQueueMode, other.RequestQueueMode)
	o.RequestQueueLimit = cmp.Or(o.RequestQueueLimit, other.RequestQueueLimit)
	o.Http503Verbosity = cmp.Or(o.Http503Verbosity, other.Http503Verbosity)
	o.MaxAccepts = cmp.Or(o.MaxAccepts, other.MaxAccepts)
	o.MaxConnections = cmp.Or(o.MaxConnections, other.MaxConnections)
	o.MaxRequestBodySize = cmp.Or(o.MaxRequestBodySize, other.MaxRequestBodySize)
	o.ClientCertificateMethod = cmp.Or(o.ClientCertificateMethod, other.ClientCertificateMethod)
	o.Timeouts = o.Timeouts.or(other.Timeouts)
	return o
}

func (t Timeouts) or(other Timeouts) Timeouts {
	t.EntityBody = cmp.Or(t.EntityBody, other.EntityBody)
	t.DrainEntityBody = cmp.Or(t.DrainEntityBody, other.DrainEntityBody)
	t.RequestQueue = cmp.Or(t.RequestQueue, other.RequestQueue)
	t.IdleConnection = cmp.Or(t.IdleConnection, other.IdleConnection)
	t.HeaderWait = cmp.Or(t.HeaderWait, other.HeaderWait)
	t.MinSendBytesPerSecond = cmp.Or(t.MinSendBytesPerSecond, other.MinSendBytesPerSecond)
	return t
}

// Check gives what is wrong with the options, apart from the texts of UrlPrefixes: nil or an *OptionError.
func (o Options) Check() error {
	switch {
	case len([]rune(o.RequestQueueName)) > maxQueueName:
		return &OptionError{"RequestQueueName", fmt.Sprintf("it has more than %d characters", maxQueueName), "choose a shorter name"}
	case strings.ContainsAny(o.RequestQueueName, "/\\\x00\n\r"):
		return &OptionError{"RequestQueueName", "it has a slash, a backslash or a line's end", "choose a name of letters, digits, dots and dashes"}
	case o.RequestQueueMode > CreateOrAttach:
		return &OptionError{"RequestQueueMode", "it is none of Create, Attach and CreateOrAttach", "choose one of them"}
	case o.RequestQueueMode == Attach && o.RequestQueueName == "":
		return &OptionError{"RequestQueueMode", "Attach needs the name of a queue", "set RequestQueueName to it"}
	case o.RequestQueueLimit < 0:
		return &OptionError{"RequestQueueLimit", "it is negative", "leave it out for 1000"}
	case o.Http503Verbosity > Full:
		return &OptionError{"Http503Verbosity", "it is none of Basic, Limited and Full", "choose one of them"}
	case o.MaxAccepts < 0:
		return &OptionError{"MaxAccepts", "it is negative", "leave it out for 5 for each processor"}
	case o.ClientCertificateMethod > AllowRenegotiation:
		return &OptionError{"ClientCertificateMethod", "it is none of AllowCertificate, NoCertificate and AllowRenegotiation", "choose one of them"}
	}
	return nil
}

// OptionError says which option has a value that it cannot have.
type OptionError struct {
	Option string // its name in Options
	Reason string
	Advice string // what to write
}

func (e *OptionError) Error() string { return "HttpSys option " + e.Option + ": " + e.Reason }

// Hint gives the Advice.
func (e *OptionError) Hint() string { return e.Advice }
