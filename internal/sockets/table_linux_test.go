package sockets

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestUnixSocket(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "with space.sock"), fmt.Sprintf("@abstract-%d", os.Getpid())} {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		want := Listener{Path: path, PID: os.Getpid(), Program: programName(os.Getpid())}
		if found := owned(t, os.Getpid()); !slices.Contains(found, want) {
			t.Errorf("got %+v, want %+v", found, want)
		}
	}
}

// A process in a network of its own listens there.
func TestOtherNetwork(t *testing.T) {
	child := exec.Command(os.Args[0], "as:listener", ":0")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Skip("needs the right to make a network: ", err)
	}
	defer func() { in.Close(); _ = child.Wait() }()
	var text string
	if _, err := fmt.Fscan(out, &text); err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(text)
	own := listen(t, "tcp", "127.0.0.1:0")
	found := owned(t, os.Getpid(), child.Process.Pid)
	for pid, addr := range map[int]netip.AddrPort{child.Process.Pid: addr, os.Getpid(): own} {
		if !slices.ContainsFunc(found, func(l Listener) bool { return l.PID == pid && l.AddrPort == addr }) {
			t.Errorf("%v of %d is not in %+v", addr, pid, found)
		}
	}
}

// The kernel's answer and its table say the same.
func TestBothTables(t *testing.T) {
	addr := listen(t, "tcp", "127.0.0.1:0")
	addr6 := listen(t, "tcp", "[::1]:0")
	var r reader
	for name, read := range map[string]func(func(uint64, Listener)) error{
		"diag": r.diag,
		"proc": func(yield func(uint64, Listener)) error { return r.tcp("/proc/thread-self/net", yield) },
	} {
		var found []netip.AddrPort
		if err := read(func(_ uint64, l Listener) { found = append(found, l.AddrPort) }); err != nil {
			t.Fatal(name, err)
		}
		if !slices.Contains(found, addr) || !slices.Contains(found, addr6) {
			t.Errorf("%s: %v and %v are not in %v", name, addr, addr6, found)
		}
	}
}

func TestParseTCP(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the lines are of a little-endian kernel")
	}
	for line, want := range map[string]string{
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0":                                                 "127.0.0.1:8080",
		"  12: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0": "[::1]:80",
		"  12: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0": "127.0.0.1:80",
	} {
		inode, addr, ok := parseTCP([]byte(line))
		if !ok || inode != 1681 || addr != netip.MustParseAddrPort(want) {
			t.Errorf("%d %v %v, want %s", inode, addr, ok, want)
		}
	}
	connected := "   0: 0100007F:1F90 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0"
	if _, _, ok := parseTCP([]byte(connected)); ok {
		t.Error("a connection is no listener")
	}
}

func TestParseUnix(t *testing.T) {
	for _, test := range []struct {
		line, path string
		ok         bool
	}{
		{"000000002a347191: 00000002 00000000 00010000 0001 01  1678 /run/a b.sock", "/run/a b.sock", true},
		{"000000002a347191: 00000002 00000000 00010000 0001 01 1678 @name", "@name", true},
		{"000000002a347191: 00000003 00000000 00000000 0001 03  1678 /run/a.sock", "", false},
		{"000000002a347191: 00000002 00000000 00010000 0001 01  1678", "", false},
	} {
		inode, path, ok := parseUnix([]byte(test.line))
		if ok != test.ok || path != test.path || ok && inode != 1678 {
			t.Errorf("%q: %d %q %v", test.line, inode, path, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0"))
	f.Add([]byte("000000002a347191: 00000002 00000000 00010000 0001 01  1678 /run/a b.sock"))
	f.Fuzz(func(t *testing.T, line []byte) {
		parseTCP(line)
		parseUnix(line)
		_, _ = diagAnswers(line, func(uint64, Listener) {})
	})
}
