// Command placeholder is the program that a front starts, watches and stops in the place of an app that runs in a test's own
// process: it holds the app's listening sockets, so that they are a program's of the front's, and lives as long as the app.
//
// What it reads from stdin are messages for NOTIFY_SOCKET, each with a NUL behind it: only a program of the front's is heard
// there. It ends when they end, and closes its sockets when the app tells that it begins to stop. Its argument is the number of
// the descriptor behind the sockets, to which it writes a byte when it gets SIGTERM, and which is closed by its end, whatever
// that is. The first byte says that it is there.
package main

import (
	"bufio"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// firstSocket is the number of the first descriptor that is handed over.
const firstSocket = 3

func main() {
	log.SetPrefix("placeholder: ")
	if len(os.Args) != 2 {
		log.Fatal("there are no sockets")
	}
	fd, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	asked := os.NewFile(uintptr(fd), "asked")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	asked.Write([]byte{0})
	go func() {
		for range signals {
			asked.Write([]byte{1})
		}
	}()
	for in := bufio.NewReader(os.Stdin); ; {
		message, err := in.ReadString(0)
		if err != nil {
			return
		}
		if strings.Contains(message, "STOPPING=1") {
			for socket := firstSocket; socket < fd; socket++ {
				syscall.Close(socket)
			}
		}
		if err := tell(message[:len(message)-1]); err != nil {
			log.Print(err)
		}
	}
}

func tell(message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: os.Getenv("NOTIFY_SOCKET")})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(message))
	return err
}
