package sockets

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The test binary listens as a child process, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "as:listener" {
		l, err := net.Listen("tcp", os.Args[2])
		fmt.Println(l.Addr(), err)
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func listen(t testing.TB, network, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

func owned(t testing.TB, pids ...int) []Listener {
	t.Helper()
	listeners, err := Owned(pids)
	if errors.Is(err, errors.ErrUnsupported) && runtime.GOOS == "darwin" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return listeners
}

func TestOwned(t *testing.T) {
	for _, test := range []struct{ network, address, want string }{
		{"tcp4", "127.0.0.1:0", "127.0.0.1"},
		{"tcp4", "0.0.0.0:0", "0.0.0.0"},
		{"tcp6", "[::1]:0", "::1"},
		{"tcp6", "[::]:0", "::"},
		{"tcp", ":0", "::"},
	} {
		t.Run(test.network+test.address, func(t *testing.T) {
			addr := netip.AddrPortFrom(netip.MustParseAddr(test.want), listen(t, test.network, test.address).Port())
			var found []Listener
			for _, l := range owned(t, os.Getpid()) {
				if l.AddrPort.Port() == addr.Port() {
					found = append(found, l)
				}
			}
			if len(found) != 1 || found[0].AddrPort != addr || found[0].PID != os.Getpid() {
				t.Fatalf("got %+v, want %v", found, addr)
			}
			if name := filepath.Base(os.Args[0]); found[0].Program != strings.TrimSuffix(name, ".exe") {
				t.Errorf("program %q, want %q", found[0].Program, name)
			}
		})
	}
}

func TestNotOwned(t *testing.T) {
	addr := listen(t, "tcp", "127.0.0.1:0")
	client, err := net.Dial("tcp", addr.String()) // a connection is no listener
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	count := 0
	for _, l := range owned(t, os.Getpid(), os.Getpid(), -1, 1<<22+1) {
		if l.AddrPort.Port() == addr.Port() {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d listeners on the port", count)
	}
	if found := owned(t, 1<<22+1); len(found) != 0 {
		t.Errorf("a process that is not there listens: %+v", found)
	}
	if found := owned(t); len(found) != 0 {
		t.Errorf("nobody listens: %+v", found)
	}
}

func TestChild(t *testing.T) {
	child := exec.Command(os.Args[0], "as:listener", "127.0.0.1:0")
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = child.Wait() }()
	var text string
	if _, err := fmt.Fscan(out, &text); err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(text)
	if found := owned(t, child.Process.Pid); len(found) != 1 || found[0].AddrPort != addr || found[0].PID != child.Process.Pid {
		t.Errorf("got %+v, want %v of %d", found, addr, child.Process.Pid)
	}
	if slices.ContainsFunc(owned(t, os.Getpid()), func(l Listener) bool { return l.AddrPort == addr }) {
		t.Error("the child's listener counts as ours")
	}
	holder, found, err := Holder(addr)
	if err != nil || !found || holder.AddrPort != addr || runtime.GOOS != "darwin" && holder.PID != child.Process.Pid {
		t.Errorf("holder %+v, %v, %v", holder, found, err)
	}
}

func TestHolder(t *testing.T) {
	loopback, loopback6 := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()
	wildcard, wildcard6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	for _, test := range []struct {
		network, address string
		clash, free      []netip.Addr
	}{
		{"tcp4", "127.0.0.1:0", []netip.Addr{loopback, wildcard, wildcard6}, []netip.Addr{loopback6}},
		{"tcp4", "0.0.0.0:0", []netip.Addr{loopback, wildcard, wildcard6}, []netip.Addr{loopback6}},
		{"tcp6", "[::1]:0", []netip.Addr{loopback6, wildcard6}, []netip.Addr{loopback, wildcard}},
		{"tcp6", "[::]:0", []netip.Addr{loopback6, wildcard6}, []netip.Addr{loopback, wildcard}}, // tcp6 does not take IPv4
		{"tcp", ":0", []netip.Addr{loopback6, wildcard6, loopback, wildcard}, nil},
	} {
		t.Run(test.network+test.address, func(t *testing.T) {
			port := listen(t, test.network, test.address).Port()
			check := func(ip netip.Addr, want bool) {
				addr := netip.AddrPortFrom(ip, port)
				holder, found, err := Holder(addr)
				if err != nil || found != want {
					t.Errorf("%v: %+v, %v, %v", addr, holder, found, err)
				}
				if found && runtime.GOOS != "darwin" && (holder.PID != os.Getpid() || holder.Program == "") {
					t.Errorf("%v: %+v", addr, holder)
				}
				// the system's own word
				network := "tcp"
				if ip.Is4() { // else Go makes [::] of 0.0.0.0
					network = "tcp4"
				}
				l, err := net.Listen(network, addr.String())
				if err == nil {
					l.Close()
				}
				if found != (err != nil) {
					t.Errorf("%v: a holder: %v, but to listen there: %v", addr, found, err)
				}
			}
			for _, ip := range test.clash {
				if runtime.GOOS == "linux" {
					check(ip, true)
				}
			}
			for _, ip := range test.free {
				check(ip, false)
			}
		})
	}
	if holder, found, err := Holder(netip.AddrPortFrom(loopback, 0)); found || err != nil {
		t.Errorf("port 0: %+v, %v", holder, err)
	}
}

func TestClashes(t *testing.T) {
	for _, test := range []struct {
		a, b          string
		clash, unsure bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true, false},
		{"127.0.0.1:80", "127.0.0.1:81", false, false},
		{"127.0.0.1:80", "127.0.0.2:80", false, false},
		{"127.0.0.1:80", "0.0.0.0:80", true, false},
		{"[::1]:80", "0.0.0.0:80", false, false},
		{"[::1]:80", "[::]:80", true, false},
		{"[::]:80", "127.0.0.1:80", true, true},
		{"[::]:80", "0.0.0.0:80", true, true},
		{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", true, false},
		{"[fe80::1%eth0]:80", "[fe80::1]:80", true, false},
	} {
		a, b := netip.MustParseAddrPort(test.a), netip.MustParseAddrPort(test.b)
		for _, pair := range [][2]netip.AddrPort{{a, b}, {b, a}} {
			if clash, unsure := clashes(pair[0], pair[1]); clash != test.clash || unsure != test.unsure {
				t.Errorf("%v: %v, %v", pair, clash, unsure)
			}
		}
	}
}

func BenchmarkOwned(b *testing.B) {
	listen(b, "tcp", "127.0.0.1:0")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Owned([]int{os.Getpid()}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHolder(b *testing.B) {
	addr := listen(b, "tcp", "127.0.0.1:0")
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := Holder(addr); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}
