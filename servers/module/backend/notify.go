package backend

import (
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/internal/process"
)

// notifyVariable names the socket for a program's messages, as sd_notify(3) has it.
const notifyVariable = "NOTIFY_SOCKET"

// paired is the line by which an app says that it refuses requests without the token.
const paired = "X_GORUN_PAIRED=1"

// NotifySocket receives what programs tell by the protocol of sd_notify(3). One goroutine may receive while another closes.
type NotifySocket struct {
	conn   *net.UnixConn
	name   string
	folder string // to remove; "" when there is none
}

// Notice is one message.
type Notice struct {
	Lines []string // such as READY=1
	PID   int      // who has sent it, as the kernel says; 0 where the system does not tell (macOS)
}

// Has reports whether the message has a line.
func (n Notice) Has(line string) bool { return slices.Contains(n.Lines, line) }

// From reports whether a process of the tree has sent it. Where the system does not tell, the socket lies in a folder that
// only this user may enter, and that has to do.
func (n Notice) From(tree *process.Tree) bool {
	return n.PID == 0 && !tellsSender || n.PID != 0 && slices.Contains(tree.PIDs(), n.PID)
}

// ListenNotify opens a socket with a new name. It is errors.ErrUnsupported on Windows. It is to be closed.
func ListenNotify() (*NotifySocket, error) { return listenNotify() }

// Name is the value of NOTIFY_SOCKET.
func (s *NotifySocket) Name() string { return s.name }

// Next waits for the next message. The error is net.ErrClosed after Close.
func (s *NotifySocket) Next() (Notice, error) {
	buf, oob := make([]byte, 4096), make([]byte, senderRoom()) // no more: a message may bring descriptors, which nobody wants
	n, oobn, _, _, err := s.conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return Notice{}, err
	}
	return Notice{Lines: strings.Split(strings.TrimRight(string(buf[:n]), "\n"), "\n"), PID: senderOf(oob[:oobn])}, nil
}

// Close ends Next, and removes the socket.
func (s *NotifySocket) Close() error {
	err := s.conn.Close()
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	return err
}

// notices follows what one process tells. A nil one follows nothing. Its goroutine ends with close.
type notices struct {
	socket *NotifySocket
	done   sync.WaitGroup
}

// follow begins to listen: hear gets each message of the tree, and then the channel gets something. It is to be called once.
func (n *notices) follow(tree *process.Tree, hear func(Notice)) <-chan struct{} {
	if n == nil {
		return nil
	}
	heard := make(chan struct{}, 1)
	n.done.Go(func() {
		for {
			notice, err := n.socket.Next()
			if err != nil {
				return
			}
			if !notice.From(tree) {
				continue
			}
			hear(notice)
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	})
	return heard
}

func (n *notices) close() {
	if n == nil {
		return
	}
	_ = n.socket.Close()
	n.done.Wait()
}
