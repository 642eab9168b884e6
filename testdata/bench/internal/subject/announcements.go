// Package subject is what benchmarks need of the servers that they measure: where they listen, what environment and what
// certificate they have, that they answer alike, and how much memory they have.
//
// It starts no server and makes no load. Announcements alone may be used by several goroutines at once.
package subject

import (
	"bytes"
	"strings"
	"sync"
)

// Listening is what servers.Run says before each address, and gorun with its own name before that.
const Listening = "Now listening on: "

// Announcements is what a server writes to stderr.
type Announcements struct {
	wanted []string
	ready  chan struct{}

	mu   sync.Mutex
	urls map[string]string // by scheme
	done bool
	kept []byte // the first few kB
}

// NewAnnouncements waits for an address of each of these schemes.
func NewAnnouncements(schemes ...string) *Announcements {
	return &Announcements{wanted: schemes, ready: make(chan struct{}), urls: map[string]string{}}
}

// Ready is closed when the server listens for all schemes.
func (a *Announcements) Ready() <-chan struct{} { return a.ready }

// URL is the address of a scheme, "" where none is known.
func (a *Announcements) URL(scheme string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.urls[scheme]
}

// Text is the beginning of what the server wrote.
func (a *Announcements) Text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.kept)
}

// Write takes what the server wrote. Announcements may be divided among several calls.
func (a *Announcements) Write(p []byte) (int, error) {
	const limit = 8 << 10
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = append(a.kept, p[:min(len(p), limit-len(a.kept))]...)
	if !a.done {
		a.read()
	}
	return len(p), nil
}

// read looks for addresses in whole lines.
func (a *Announcements) read() {
	whole := a.kept[:bytes.LastIndexByte(a.kept, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "gorun: ")
		if url, ok := strings.CutPrefix(line, Listening); ok {
			scheme, _, _ := strings.Cut(url, ":")
			a.urls[scheme] = url
		}
	}
	for _, scheme := range a.wanted {
		if a.urls[scheme] == "" {
			return
		}
	}
	a.done = true
	close(a.ready)
}
