package backend

import (
	"crypto/rand"
	"net"
	"syscall"
)

// tellsSender says whether the kernel tells who sends a message.
const tellsSender = true

// listenNotify uses an abstract name: there is no file to remove, and no folder that a program must be able to enter.
func listenNotify() (*NotifySocket, error) {
	name := "@gorun-notify-" + rand.Text()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		controlErr := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
		})
		if controlErr != nil {
			err = controlErr
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &NotifySocket{conn: conn, name: name}, nil
}

// senderRoom is the room for the credentials, which the kernel writes first.
func senderRoom() int { return syscall.CmsgSpace(syscall.SizeofUcred) }

// senderOf reads the credentials that the kernel has added; 0 where there are none.
func senderOf(oob []byte) int {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for i := range messages {
		if credentials, err := syscall.ParseUnixCredentials(&messages[i]); err == nil {
			return int(credentials.Pid)
		}
	}
	return 0
}
