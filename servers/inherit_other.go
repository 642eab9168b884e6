//go:build !unix

package servers

import "net"

// inheritedSockets gives nothing: this system has no such protocol.
func inheritedSockets() ([]net.Listener, error) { return nil, nil }
