package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const answerLimit = 10 * time.Second

// verify has both servers answer one request alike, so that the same work is measured.
func (b *bench) verify(ctx context.Context, both map[string]*server, r subject.Request) error {
	named := func(name, role string) subject.Named { return subject.Named{Name: name, URL: both[role].url(r)} }
	return b.trust.Verify(ctx, r, named("ours", ours), named("net/http", bare))
}

// refusesH2C gives why a server cannot be measured with HTTP/2 without TLS, "" when it can: it answers the preface of
// HTTP/2 with something else than a SETTINGS frame (RFC 9113, 3.4).
func refusesH2C(ctx context.Context, s *server, r subject.Request) (string, error) {
	address, err := url.Parse(s.url(r))
	if err != nil {
		return "", err
	}
	conn, err := (&net.Dialer{Timeout: answerLimit}).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return "", err
	}
	const emptySettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+emptySettings); err != nil {
		return "", err
	}
	head := make([]byte, len(emptySettings))
	n, err := io.ReadFull(conn, head)
	if isSettings(head[:n]) {
		return "", nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "", err
	}
	first, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return fmt.Sprintf("%s speaks no HTTP/2 at %s (it answered %q)", s.role, address, first), nil
}

// isSettings reports whether this is the head of a SETTINGS frame of the connection, not of an acknowledgement.
func isSettings(head []byte) bool {
	return len(head) == 9 && head[0] == 0 && head[3] == 0x4 && head[4] == 0 && binary.BigEndian.Uint32(head[5:]) == 0
}
