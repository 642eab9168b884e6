package broker

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// played is a connection on which the client has sent all that it will ever send.
type played struct {
	io.Reader
	sent bytes.Buffer
}

func (p *played) Write(b []byte) (int, error)      { return p.sent.Write(b) }
func (p *played) Close() error                     { return nil }
func (p *played) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *played) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (p *played) SetDeadline(time.Time) error      { return nil }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// oracle asks crypto/tls what it reads from the same bytes.
func oracle(b []byte) (info *tls.ClientHelloInfo) {
	stop := errors.New("enough")
	server := tls.Server(&played{Reader: bytes.NewReader(b)}, &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		info = i
		return nil, stop
	}})
	_ = server.Handshake() // it fails in any case
	return info
}

// clientHello is what a client with this configuration sends first.
func clientHello(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	p := &played{Reader: strings.NewReader("")}
	if err := tls.Client(p, c).Handshake(); err == nil {
		t.Fatal("a handshake with nobody")
	}
	return p.sent.Bytes()
}

// split puts the handshake of one record into records of n bytes each.
func split(b []byte, n int) (out []byte) {
	for part := range slices.Chunk(b[recordHead:], n) {
		out = append(out, recordHandshake, 3, 1, byte(len(part)>>8), byte(len(part)))
		out = append(out, part...)
	}
	return out
}

func TestParseHello(t *testing.T) {
	t.Parallel()
	long := make([]string, 200)
	for i := range long {
		long[i] = strings.Repeat("p", 70)
	}
	for name, c := range map[string]*tls.Config{
		"name and protocols": {ServerName: "api.localhost", NextProtos: []string{"h2", "http/1.1"}},
		"an address":         {ServerName: "127.0.0.1"},
		"nothing":            {InsecureSkipVerify: true},
		"TLS 1.2":            {ServerName: "a.example", MaxVersion: tls.VersionTLS12},
		"long":               {ServerName: strings.Repeat("abcdefg.", 30) + "example", NextProtos: long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := clientHello(t, c)
			for _, b := range [][]byte{whole, split(whole, 1000), split(whole, 100), append(slices.Clone(whole), "more"...)} {
				sameAsOracle(t, b)
			}
			for n := range whole { // want always leads on
				_, want, err := parseHello(whole[:n])
				if err != nil || want <= n || want > len(whole) {
					t.Fatalf("%d of %d bytes: want %d, %v", n, len(whole), want, err)
				}
			}
		})
	}
}

// sameAsOracle wants what crypto/tls has read.
func sameAsOracle(t *testing.T, b []byte) {
	t.Helper()
	h, want, err := parseHello(b)
	info := oracle(b)
	if err != nil || want != 0 || info == nil {
		t.Fatalf("parseHello: want %d, %v; crypto/tls: %v", want, err, info)
	}
	if h.ServerName != info.ServerName || !slices.Equal(h.Protocols, info.SupportedProtos) {
		t.Errorf("got %q %q, crypto/tls reads %q %q", h.ServerName, h.Protocols, info.ServerName, info.SupportedProtos)
	}
}

func TestParseHelloRefuses(t *testing.T) {
	t.Parallel()
	good := clientHello(t, &tls.Config{ServerName: "a.example"})
	tests := map[string]struct {
		in     []byte
		answer string // its beginning
	}{
		"http":                {[]byte("GET / HTTP/1.1\r\n"), "HTTP/1.0 400 "},
		"http, one byte":      {[]byte("G"), "HTTP/1.0 400 "},
		"SSL 2":               {[]byte{0x80, 0x2e, 1, 0, 2, 0, 0x15}, "\x15\x03\x01\x00\x02\x02\x46"},
		"noise":               {[]byte{0, 1, 2, 3, 4, 5}, "\x15\x03\x01\x00\x02\x02\x0a"},
		"an alert":            {[]byte{21, 3, 1, 0, 2, 1, 0}, "\x15\x03\x01\x00\x02\x02\x0a"},
		"another version":     {[]byte{22, 0x20}, "\x15\x03\x01\x00\x02\x02\x46"},
		"an empty record":     {[]byte{22, 3, 1, 0, 0}, "\x15\x03\x01\x00\x02\x02\x16"},
		"a record too long":   {[]byte{22, 3, 1, 0x40, 1}, "\x15\x03\x01\x00\x02\x02\x16"},
		"a message too long":  {[]byte{22, 3, 1, 0x40, 0, 1, 0, 0x40, 0}, "\x15\x03\x01\x00\x02\x02\x16"},
		"a ServerHello":       {[]byte{22, 3, 1, 0, 1, 2}, "\x15\x03\x01\x00\x02\x02\x0a"},
		"cut inside":          {append([]byte{22, 3, 1, 0, 8, 1, 0, 0, 4}, "abcd"...), "\x15\x03\x01\x00\x02\x02\x32"},
		"a record in between": {append(split(good, 50)[:recordHead+50], 23, 3, 1, 0, 1, 0), "\x15\x03\x01\x00\x02\x02\x0a"},
		"thousands of pieces": {bytes.Repeat([]byte{22, 3, 1, 0, 1, 1}, maxHello), "\x15\x03\x01\x00\x02\x02\x16"},
		"a dot at the end":    {bytes.Replace(good, []byte("a.example"), []byte("a.exampl."), 1), "\x15\x03\x01\x00\x02\x02\x32"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, want, err := parseHello(test.in)
			e, ok := errors.AsType[*helloError](err)
			if !ok || want != 0 {
				t.Fatalf("want %d, error %v", want, err)
			}
			if got := string(e.record()); !strings.HasPrefix(got, test.answer) {
				t.Errorf("%v: record %q, want %q", err, got, test.answer)
			}
			if info := oracle(test.in); info != nil {
				t.Errorf("crypto/tls takes it: %+v", info)
			}
		})
	}
}

// What crypto/tls takes is read in the same way, but for what is too long; what is refused never becomes good, and want
// is never beyond the bound.
func FuzzParseHello(f *testing.F) {
	good := clientHello(f, &tls.Config{ServerName: "api.localhost", NextProtos: []string{"h2", "http/1.1"}})
	f.Add(good)
	f.Add(split(good, 90))
	f.Add(split(good, 1))
	f.Add(clientHello(f, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}))
	f.Add([]byte{0x80, 0x2e, 1, 0, 2})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, want, err := parseHello(b)
		if want != 0 && (want <= len(b) || want > maxHello || err != nil) {
			t.Fatalf("%d bytes: want %d, %v", len(b), want, err)
		}
		if err != nil {
			if _, _, again := parseHello(append(slices.Clone(b), 0)); again == nil {
				t.Fatalf("%v, but not with one byte more", err)
			}
		}
		info := oracle(b)
		if info == nil {
			return // it looks at more than we do
		}
		if e, ok := errors.AsType[*helloError](err); ok && (e.alert == alertOverflow || b[0] == 21) {
			return // it takes longer ones, and warnings before them
		}
		if want != 0 || err != nil || h.ServerName != info.ServerName || !slices.Equal(h.Protocols, info.SupportedProtos) {
			t.Fatalf("got %+v, want %d, %v; crypto/tls reads %q %q", h, want, err, info.ServerName, info.SupportedProtos)
		}
	})
}
