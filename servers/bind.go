package servers

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// bindError says in a user's words why one socket cannot be opened.
type bindError struct {
	what   string // begins with the address where that is not the URL's
	todo   string // what to do, "" when nothing is known
	choose string // what else to choose, "" where there is no choice
	err    error  // what the system says
}

func (e *bindError) Error() string { return e.what }
func (e *bindError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *bindError) Hint() string { return e.hint("") }

// hint is Hint with the place where something else is chosen, such as " in ASPNETCORE_URLS".
func (e *bindError) hint(place string) string {
	if e.choose == "" {
		return e.todo
	}
	return e.todo + ", or choose another " + e.choose + place
}

// explainIP makes an error of binding a port understandable. A nil err stays nil, and an unknown one as it is.
func explainIP(network string, addr netip.AddrPort, err error) error {
	at := addr.String() + ": "
	switch {
	case isInUse(err):
		who := holderOfPort(network, addr)
		return &bindError{at + "address already in use" + who.text(), who.todo(), "port", err}
	case errors.Is(err, syscall.EADDRNOTAVAIL) || runtime.GOOS == "windows" && errors.Is(err, syscall.Errno(10049)):
		return &bindError{at + "this machine has no such address", "use localhost, * for every address, or one that this machine has", "", err}
	case addr.Addr().Zone() != "" && (errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENODEV)):
		return &bindError{at + "there is no network interface " + strconv.Quote(addr.Addr().Zone()) + ", or it does not have the address",
			"name an interface of this machine after the percent sign", "", err}
	case errors.Is(err, fs.ErrPermission):
		return &bindError{at + "this user may not use the port", "choose a port from 1024 up", "", err}
	}
	return err
}

// maxSocketPath is how many bytes the path of a unix socket may have.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// explainUnix makes an error of binding a unix socket understandable.
func explainUnix(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case len(path) > maxSocketPath:
		return &bindError{fmt.Sprintf("the path has %d bytes, and the system allows %d", len(path), maxSocketPath), "choose a shorter path", "", err}
	case isInUse(err):
		return inUseUnix(path, err)
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
			return &bindError{"there is no folder " + dir, "make the folder", "path", err}
		}
		return &bindError{"no socket can be made in " + dir, "choose a path in another folder", "", err}
	case errors.Is(err, fs.ErrPermission):
		return &bindError{"this user may not make files in " + filepath.Dir(path), "choose a folder that this user can write to", "", err}
	}
	return err
}

// inUseUnix tells a socket that somebody serves from a file that only has its name.
func inUseUnix(path string, err error) error {
	if info, statErr := os.Lstat(path); statErr == nil && info.Mode()&os.ModeSocket == 0 {
		what := "a file"
		if info.IsDir() {
			what = "a folder"
		}
		return &bindError{what + " with this name is there, and is no socket", "remove it", "path", err}
	}
	who := holderOfPath(path)
	return &bindError{"address already in use" + who.text(), who.todo(), "path", err}
}

// holder is who has an address. The zero value is nobody knows who.
type holder struct {
	pid  int    // 0 when it may not be seen
	name string // of the program; "" when it is not known
	user string // the number of the user, when that is all that is known

	elsewhere bool // nobody listens, but a connection has the port
}

func (h holder) text() string {
	switch {
	case h.pid == os.Getpid():
		return " by this program itself"
	case h.pid != 0 && h.name != "":
		return fmt.Sprintf(" by process %d (%s)", h.pid, h.name)
	case h.pid != 0:
		return fmt.Sprintf(" by process %d", h.pid)
	case h.user != "":
		return " by a process of user " + h.user
	}
	return ""
}

// todo says what to do about the holder.
func (h holder) todo() string {
	switch {
	case h.pid == os.Getpid():
		return "leave out one of the two: *, 0.0.0.0 and [::] include other addresses with their port"
	case h.pid != 0:
		return fmt.Sprintf("stop process %d", h.pid)
	}
	if h.elsewhere {
		return "a connection of another program has it at the moment, since the system gives such ports to outgoing connections: try again, or choose a port below 32768"
	}
	return "stop the program that listens there"
}

// listenTCP opens one socket.
func listenTCP(addr netip.AddrPort) (net.Listener, error) {
	network, at := "tcp6", addr.String()
	switch ip := addr.Addr(); {
	case ip.Is4(): // "tcp" would make 0.0.0.0 dual stack
		network = "tcp4"
	case ip.IsUnspecified(): // no host: dual stack, or IPv4 alone on a system without IPv6
		network, at = "tcp", ":"+strconv.Itoa(int(addr.Port()))
	}
	l, err := net.Listen(network, at)
	if err != nil {
		return nil, explainIP("tcp", addr, err)
	}
	return l, nil
}
