package backend

import (
	"net"
	"os"
	"path/filepath"
)

// tellsSender says whether the kernel tells who sends a message.
const tellsSender = false

// listenNotify makes a file in a folder that only this user may enter.
func listenNotify() (*NotifySocket, error) {
	folder, err := os.MkdirTemp("", "gorun")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(folder, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	return &NotifySocket{conn: conn, name: name, folder: folder}, nil
}

func senderRoom() int { return 0 }

func senderOf([]byte) int { return 0 }
