package servers

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// notifySocketVariable names the socket on which a service manager, or gorun, wants to be told how the program is
// (sd_notify(3)).
const notifySocketVariable = "NOTIFY_SOCKET"

// notifyPatience is how long a manager that reads nothing is waited for.
const notifyPatience = 5 * time.Second

// manager is who has started the program and wants to be told when it is ready and when it stops. The zero manager wants
// nothing.
type manager struct {
	socket   string // a path, or the name of an abstract socket with @ before it; "": nobody wants to know
	log      *slog.Logger
	stopping sync.Once // has been told
}

// takeNotifySocket gives the manager's socket. The variable is removed, so that no child speaks for the program.
func takeNotifySocket() string {
	defer os.Unsetenv(notifySocketVariable)
	return os.Getenv(notifySocketVariable)
}

// tellReady tells that every address is open. Where paired is true, it tells also that only who has the module's token is served:
// so a front that has told the token to a program that knows nothing of it finds out.
func (m *manager) tellReady(paired bool) {
	lines := []string{"READY=1"}
	if paired {
		lines = append(lines, "X_GORUN_PAIRED=1")
	}
	m.tell(lines...)
}

// tellStop tells, once, that the program begins to stop when ctx is done. The function that it gives ends this; where ctx is
// done, it returns when it has been told.
func (m *manager) tellStop(ctx context.Context) (end func()) {
	stopping := func() { m.stopping.Do(func() { m.tell("STOPPING=1") }) }
	unwatch := context.AfterFunc(ctx, stopping)
	return func() {
		if !unwatch() {
			stopping()
		}
	}
}

// tell sends one message. That it cannot be sent is no failure of the program's.
func (m *manager) tell(lines ...string) {
	if m.socket == "" {
		return
	}
	if err := sendTo(m.socket, strings.Join(lines, "\n")); err != nil {
		m.log.Debug("the service manager cannot be told", "message", lines[0], "error", err)
	}
}

func sendTo(socket, message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(notifyPatience))
	_, err = conn.Write([]byte(message))
	return err
}
