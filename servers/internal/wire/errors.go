package wire

import (
	"errors"
	"fmt"
)

// ErrRunning says that another broker has the folder.
var ErrRunning = errors.New("a broker is running already")

// ErrFull says that a peer has not read for so long that Send gave up. The connection is as it was: nothing of the frame was sent.
var ErrFull = errors.New("the other end does not read what is sent to it")

// FolderError is a folder that a broker's socket must not be in, because others could reach it, or that cannot be used.
type FolderError struct {
	Folder string
	Reason string // lower case, no full stop: "it belongs to another user"
	Err    error  // the system's, or nil

	ours bool // only its mode is wrong
}

func (e *FolderError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("the broker's folder %s cannot be used: %s: %v", e.Folder, e.Reason, e.Err)
	}
	return fmt.Sprintf("the broker's folder %s cannot be used: %s", e.Folder, e.Reason)
}

func (e *FolderError) Unwrap() error { return e.Err }

// Hint names the variable that moves it.
func (e *FolderError) Hint() string {
	mend := ""
	if e.ours {
		mend = "chmod 700 " + e.Folder + ", or "
	}
	return mend + "set GORUN_HTTPSYS to the absolute path of a short folder that is yours alone (mode 0700)"
}

// NoBrokerError says that nobody listens in the folder.
type NoBrokerError struct {
	Folder string
	Err    error // of the connect
}

func (e *NoBrokerError) Error() string {
	return fmt.Sprintf("no HTTP.sys broker is running: %v", e.Err)
}

func (e *NoBrokerError) Unwrap() error { return e.Err }

// Hint says what starts one.
func (e *NoBrokerError) Hint() string { return "start it: gorun httpsys start" }

// PeerError is another user's process at the other end.
type PeerError struct{ Peer Peer }

func (e *PeerError) Error() string {
	return fmt.Sprintf("process %d of user %d is at the other end, who is another user", e.Peer.PID, e.Peer.UID)
}

// ProtocolError is a peer that does not speak this protocol. After it a connection is of no use.
type ProtocolError struct{ Reason string }

func (e *ProtocolError) Error() string { return "the other end breaks the protocol: " + e.Reason }

// VersionError is a broker of another version of the protocol.
type VersionError struct {
	Ours, Theirs int    // protocols; Theirs is 0 when it was not told
	Message      string // what the broker said, or ""
}

func (e *VersionError) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return fmt.Sprintf("the broker speaks version %d of the protocol, and this program version %d", e.Theirs, e.Ours)
}

// Hint says how to get rid of the older one.
func (e *VersionError) Hint() string {
	return "stop the broker (gorun httpsys stop) and start one of the newer gorun, or build the app with the same version of gorun"
}

// malformed makes a ProtocolError.
func malformed(reason string, args ...any) error {
	return &ProtocolError{Reason: fmt.Sprintf(reason, args...)}
}
