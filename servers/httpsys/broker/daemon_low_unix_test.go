//go:build linux || darwin

package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// lowPort is one that nobody uses, and that a user must not.
const lowPort = 1

// low is a broker and an app that wants a low port of it, whose error is printed with its hint.
func low() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready, ended := make(chan struct{}), make(chan error, 1)
	options := broker.Options{Folder: os.Getenv("GORUN_HTTPSYS"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Persistent: true}
	go func() { ended <- broker.Run(ctx, options, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	app := &httpsys.Server{
		Handler: http.NotFoundHandler(), Getenv: os.Getenv, Listens: []httpsys.Listen{{URL: fmt.Sprintf("http://localhost:%d/", lowPort)}},
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	err := app.Serve(serving, func([]string) { stop() })
	fmt.Println(err)
	if hinting, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		fmt.Println(hinting.Hint())
	}
	cancel()
	<-ended
	return 0
}

// Who may not open a port is told both commands that allow it.
func TestLowPort(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("macOS lets everybody open every port, on all addresses")
	}
	first, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(first))); err != nil || n <= lowPort {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatalf("port %d is open to everybody: sysctl -w net.ipv4.ip_unprivileged_port_start=1024", lowPort)
		}
		t.Skipf("on this machine everybody may open port %d: sysctl -w net.ipv4.ip_unprivileged_port_start=1024", lowPort)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := shortFolder(t)
	cmd := exec.CommandContext(t.Context(), self, daemonRole+"low")
	cmd.Stderr = os.Stderr
	if os.Getuid() == 0 { // who must become somebody else, for whom neither folder is
		const nobody = 65534
		open := filepath.Dir(folder)
		if cmd.Path, err = copied(self, filepath.Join(open, "test")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(open, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Env = append(os.Environ(), "GORUN_HTTPSYS="+folder)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	for _, want := range []string{
		fmt.Sprintf("127.0.0.1:%d: this user may not use the port", lowPort),
		fmt.Sprintf("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", lowPort),
		"sudo setcap cap_net_bind_service=+ep " + strconv.Quote(cmd.Path),
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it says %q, without %q", out, want)
		}
	}
}

// copied gives others a program to run.
func copied(from, to string) (string, error) {
	program, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	return to, os.WriteFile(to, program, 0o755)
}
