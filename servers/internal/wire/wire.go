// Package wire is how the broker of HTTP.sys and its clients talk (reference: servers.md, 4): where its socket is, who may
// connect, frames with the descriptors of connections, and the messages as values. The broker is servers/httpsys/broker, its
// clients are the apps (servers/httpsys) and gorun.
//
// It decides nothing: what a message leads to is known by both ends alone. Nothing here works on Windows, where the system has
// HTTP.sys itself; there every function fails with errors.ErrUnsupported.
//
// A Conn is used by several goroutines, for Send and TrySend, and one for Receive; a Listener by one. The types' comments
// list their goroutines.
//
// # Frames
//
// A frame is 4 bytes length of what follows (big endian, 5 to MaxPayload+5), 1 byte kind, 4 bytes id, and the payload. The top
// bit of the kind says that a descriptor comes with the first byte; one frame has no more than one. A frame that has one is a
// sendmsg of its own, so that no recvmsg gives the descriptors of two. Requests have an id of the sender's choice other than 0,
// and the Reply has the same; with id 0 no answer is wanted.
//
// Frames, Hello, Reply and Stop are the same in every Version, so that whoever is of another is told so, and any gorun can have any
// broker end.
package wire

import "fmt"

// Version is that of the protocol, told in Hello and Welcome. Peers of different versions do not talk.
const Version = 1

// MaxPayload is how many bytes a frame may carry.
const MaxPayload = 1 << 20

// Kind says what a frame holds. The type of the same name is the payload, if there is one.
type Kind byte

const (
	KindHello   Kind = 1 + iota // client: the first frame
	KindWelcome                 // broker: the answer to it; a Reply when it refuses
	KindOpen                    // worker -> Reply
	KindAdd                     // worker -> Reply with Added
	KindRemove                  // worker -> Reply
	KindDrain                   // worker, no payload -> Reply when no connection comes any more
	KindTable                   // broker -> Known
	KindKnown                   // worker
	KindConn                    // broker, Handover with a descriptor -> Taken
	KindTaken                   // worker, before it serves them
	KindBack                    // worker, Handback with a descriptor; a delegation wants a Reply. With nothing: see LostFrame
	KindWatch                   // any client, no payload -> State, now and at every change
	KindState                   // broker
	KindStop                    // any client, no payload -> Reply, and the broker ends
	KindReload                  // any client, no payload -> Reply: the stored settings are read again
	KindReply                   // either: the answer to a request, with its id
	kinds                       // how many there are, and one
)

var kindNames = [kinds]string{"none", "Hello", "Welcome", "Open", "Add", "Remove", "Drain", "Table", "Known", "Conn", "Taken",
	"Back", "Watch", "State", "Stop", "Reload", "Reply"}

// String gives the name without Kind, or the number of what is none.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", byte(k))
}

// Frame is one message. Its zero value is none.
type Frame struct {
	Kind    Kind
	ID      uint32 // of a request and its Reply; 0: no answer is wanted
	Payload []byte // nil or empty where the kind has none; of a received frame the receiver's own

	// FD is the descriptor of a socket, or 0 for none. Send leaves it open and with the caller. A received one belongs to the
	// receiver, is closed on exec, and never below 3.
	FD int
	// Lost says of a received frame that a descriptor came with it and that this process had no room for it: too many are
	// open (EMFILE). FD is 0 then.
	Lost bool
}
