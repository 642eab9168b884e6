package handover

import (
	"os"

	"golang.org/x/sys/unix"
)

// queueLength asks the system how many connections wait to be accepted: of a listening TCP socket, Linux tells it as
// tcpi_unacked (net/ipv4/tcp.c, tcp_get_info).
func queueLength(file *os.File) (n int, known bool) {
	info, err := unix.GetsockoptTCPInfo(int(file.Fd()), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return int(info.Unacked), true
}

func acceptDescriptor(fd int) (int, error) {
	conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return conn, err
}
