package wire

import (
	"encoding/json"
	"time"
)

// Role says what a client wants to do.
type Role string

const (
	Worker  Role = "worker"  // an app: has a queue and prefixes
	Watcher Role = "watcher" // gorun while its program runs: keeps the broker alive, has the State
	Tool    Role = "tool"    // a command
)

// Hello is a client's first message.
type Hello struct {
	Protocol int    // Version
	Version  string // of the module, such as "v1.2.0"
	Program  string // what "already registered" calls it: the file's name
	Role     Role
}

// Welcome is the broker's answer to Hello.
type Welcome struct {
	Protocol int
	Version  string
	PID      int
}

// Mode is RequestQueueMode (reference: servers.md, 4.1).
type Mode string

const (
	Create         Mode = "Create"         // it must not be there
	Attach         Mode = "Attach"         // it must be there
	CreateOrAttach Mode = "CreateOrAttach" // either; the settings of one that is there stay
)

// Verbosity is Http503Verbosity (reference: servers.md, 4.1).
type Verbosity string

const (
	Basic   Verbosity = "Basic"   // the connection is reset
	Limited Verbosity = "Limited" // 503
	Full    Verbosity = "Full"    // 503 with the reason
)

// Open gives a worker its queue, one for each connection to the broker.
type Open struct {
	Queue          string // "": one of its own
	Mode           Mode
	Limit          int       // connections that wait; 0: 1000. The broker allows fewer where it has few descriptors
	Verbosity      Verbosity // "": Basic
	QueueTimeout   int64     // milliseconds that one may wait; 0: 2 minutes
	MaxConnections int64     // at once; 0 and below: any number. The worker itself sees to that
}

// Add registers prefixes, all or none of them.
type Add struct{ Prefixes []string }

// Added is the data of Add's Reply: the prefixes in the same order, as they are now, port 0 replaced.
type Added struct{ Prefixes []string }

// Remove takes prefixes back.
type Remove struct{ Prefixes []string }

// Table is what a worker must know about the ports it serves, to see what is another's.
type Table struct {
	Version      uint64
	Entries      []Entry
	Certificates []Certificate `json:",omitempty"`
}

// Entry is one prefix of a Table.
type Entry struct {
	Prefix string
	Mine   bool // the worker's own queue has it
}

// Certificate is a binding of one to an address or a name (netsh's sslcert).
type Certificate struct {
	Host  string `json:",omitempty"` // name:port, of SNI
	Addr  string `json:",omitempty"` // ip:port; 0.0.0.0 and [::] are any address
	Chain []byte // PEM
	Key   []byte // PEM
}

// Known is a worker's answer to a Table: from now on it goes by that.
type Known struct{ Version uint64 }

// Meta describes a connection that is not the client's own socket, but an end of a pair over which a client that is relayed
// speaks plain HTTP/1.1.
type Meta struct {
	Remote, Local string    // netip.AddrPort, of the client's socket
	TLS           *TLSState `json:",omitempty"` // nil: it has none
	Hops          int       `json:",omitempty"` // how often it was relayed
	Delegated     bool      `json:",omitempty"` // its requests are for the queue that it was given to, whatever their URL
}

// TLSState is what an app may want to know of a tls.ConnectionState.
type TLSState struct {
	Version, CipherSuite uint16
	ServerName, Protocol string
	Resumed              bool
	Peers                [][]byte `json:",omitempty"` // the client's certificates, DER
}

// State is all that a broker would show.
type State struct {
	Version      string
	PID          int
	Since        time.Time
	Persistent   bool // it stays when nobody uses it
	Queues       []Queue
	Listeners    []string      // addresses
	Certificates []Bound       `json:",omitempty"`
	Reservations []Reservation `json:",omitempty"`
	Refused      Refused
}

// Queue is a request queue.
type Queue struct {
	Name      string // "": of one worker alone
	Limit     int
	Verbosity Verbosity
	Waiting   int // connections that no worker has taken
	Workers   []WorkerState
	Prefixes  []Registered
}

// WorkerState is one worker of a Queue.
type WorkerState struct {
	PID     int
	Program string
	Version string
	Taken   uint64 // connections, so far
	Waiting int    // connections sent and not taken
}

// Registered is a prefix and the process that has registered it.
type Registered struct {
	Prefix string
	PID    int
}

// Bound is a Certificate as it is shown, without its key.
type Bound struct {
	Host, Addr string // as in Certificate
	Subject    string
	NotAfter   time.Time
	File       string // what it was made of, or ""
	Problem    string // "" when it can be used
}

// Reservation is a URL ACL: prefixes that only this user may register.
type Reservation struct{ Prefix, User string }

// Refused counts what did not reach an app, since the start.
type Refused struct {
	NoPath    uint64 // 404
	NoHost    uint64 // 400, Invalid Hostname
	Malformed uint64 // 400 and others, of heads
	Queue     uint64 // 503
	Slow      uint64 // heads that did not come
	Shed      uint64 // connections closed for want of descriptors
}

// Reply answers a request.
type Reply struct {
	Error *Error          `json:",omitempty"` // nil: done
	Data  json.RawMessage `json:",omitempty"`
}

// Code says what kind of Error it is.
type Code string

const (
	CodeProtocol     Code = "protocol"      // the versions cannot talk, or a message was wrong
	CodePrefix       Code = "prefix"        // a text is no prefix
	CodeExists       Code = "exists"        // registered already; the message names who has it
	CodeReserved     Code = "reserved"      // another user's
	CodePort         Code = "port"          // in use or not permitted
	CodeQueueExists  Code = "queue-exists"  // Create of one that is there
	CodeQueueMissing Code = "queue-missing" // Attach to one that is not, or delegation to it
	CodeNoQueue      Code = "no-queue"      // Open comes first
	CodeStopping     Code = "stopping"      // the broker ends
	CodeLimit        Code = "limit"         // too many of something
)

// Error is why a request was refused, in words for the user.
type Error struct {
	Code    Code
	Message string
	Advice  string `json:"Hint,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Hint gives the Advice.
func (e *Error) Hint() string { return e.Advice }

// Message makes a frame of a message that is JSON; v nil is one without payload.
func Message(kind Kind, id uint32, v any) (Frame, error) {
	f := Frame{Kind: kind, ID: id}
	if v == nil {
		return f, nil
	}
	payload, err := json.Marshal(v)
	f.Payload = payload
	return f, err
}

// Answer makes the Reply to the request with that id. When err is nil, it carries data (nil: none); otherwise err, with its own
// words: an *Error as it is, anything else as one with CodeProtocol and the hint that it may have.
func Answer(id uint32, data any, err error) (Frame, error) {
	var r Reply
	if err != nil {
		r.Error = asError(err)
	} else if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return Frame{}, err
		}
		r.Data = raw
	}
	return Message(KindReply, id, r)
}

// Decode reads a payload that is JSON. The error is a *ProtocolError.
func (f Frame) Decode(v any) error {
	if err := json.Unmarshal(f.Payload, v); err != nil {
		return malformed("its %v is none: %v", f.Kind, err)
	}
	return nil
}

// Reply reads a Reply: data takes its Data, and is nil when none is wanted. The error is the Reply's *Error, or a *ProtocolError.
func (f Frame) Reply(data any) error {
	var r Reply
	if f.Kind != KindReply {
		return malformed("it answers with a %v", f.Kind)
	}
	if err := f.Decode(&r); err != nil {
		return err
	}
	if r.Error != nil {
		return r.Error
	}
	if data == nil {
		return nil
	}
	return Frame{Kind: KindReply, Payload: r.Data}.Decode(data)
}
