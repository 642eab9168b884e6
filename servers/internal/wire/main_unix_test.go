//go:build darwin || linux

package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// The test binary is also what is at the other end: its first argument says which role it plays.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		if role := roles[os.Args[1]]; role != nil {
			if err := role(os.Args[2]); err != nil {
				fmt.Println("failed:", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

var roles = map[string]func(path string) error{
	"as:client": clientRole,
	"as:broker": brokerRole,
	"as:poor":   poorRole,
	"as:holder": holderRole,
	"as:many":   manyRole,
}

// clientRole connects to a socket, whoever has it, and reads.
func clientRole(path string) error {
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close()
	_, _ = c.Write([]byte{0, 0, 0, 5, byte(KindStop), 0, 0, 0, 1})
	text, _ := io.ReadAll(c)
	fmt.Printf("read %d bytes\n", len(text))
	return nil
}

// brokerRole listens on a socket until its input ends.
func brokerRole(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// poorRole is a client that has no room for a descriptor when the first comes, and has when the second comes.
func poorRole(folder string) error {
	c, err := Dial(context.Background(), folder)
	if err != nil {
		return err
	}
	defer c.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	probe, err := syscall.Dup(1)
	if err != nil {
		return err
	}
	_ = syscall.Close(probe)
	poor := limit
	poor.Cur = uint64(probe) // the first that is free
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &poor); err != nil {
		return err
	}
	for range 2 {
		if err := c.Send(Frame{Kind: KindKnown}); err != nil {
			return err
		}
		f, err := c.Receive()
		if err != nil {
			return err
		}
		fmt.Printf("%v %s lost=%t descriptor=%t\n", f.Kind, f.Payload, f.Lost, f.FD > 2)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
	}
	return nil
}

// manyRole sends itself more descriptors than may be under way, and receives them.
func manyRole(string) error {
	a, b, err := Pair()
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		return err
	}
	sent, ok := 0, true
	for ; ok && err == nil; sent++ {
		ok, err = a.TrySend(Frame{Kind: KindConn, FD: 1})
	}
	room := a.Room()
	for n := 1; n < sent && err == nil; n++ {
		var f Frame
		f, err = b.Receive()
		f.Close()
	}
	if err != nil {
		return err
	}
	<-room
	scarce := a.out.scarce
	ok, err = a.TrySend(Frame{Kind: KindConn, FD: 1})
	fmt.Printf("%d were sent, scarce=%t, and then %t %v\n", sent-1, scarce, ok, err)
	return nil
}

// holderRole is a broker until its input ends; then it is gone without a word.
func holderRole(folder string) error {
	if _, err := Listen(folder); err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// self is the command of a role.
func self(t *testing.T, role, arg string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, role, arg)
	cmd.Stderr = os.Stderr
	return cmd
}

// stranger is self as a user that is not the test's, and a folder into which both may reach.
func stranger(t *testing.T) (command func(role, arg string) *exec.Cmd, open string) {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("GORUN_CI") != "" && runtime.GOOS == "linux" { // where it is a container's
			t.Fatal("needs root, to become another user")
		}
		t.Skip("needs root, to become another user")
	}
	open, err := os.MkdirTemp("/tmp", "wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(open) })
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(open, "program")
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return func(role, arg string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, role, arg)
		cmd.Dir, cmd.Stderr = "/", os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return cmd
	}, open
}
