// Package broker is the stand-in for HTTP.sys where there is none: one process for each user that owns ports, reads the first
// head of each connection without taking it from the socket, and hands the socket to the process that has registered its host
// and path (reference: servers.md, section 4). The process then speaks with the client itself: nothing is proxied, but for
// TLS whose requests belong to several.
//
// It serves no requests but to refuse them, starts no programs, and does not decide what is registered: that is said by the
// processes that connect to it (servers/internal/wire). On Windows it is not needed, and everything here is
// errors.ErrUnsupported.
//
// Run returns when everything that it has started has ended. One goroutine owns what is registered; those that accept see it
// as an immutable table, and each queue has a lock of its own for who is given the next connection.
package broker
