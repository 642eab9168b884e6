//go:build darwin || linux

package wire

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Listener is the broker's socket, and the lock that says that it lives. One goroutine accepts, and any may close. It has no
// goroutines.
type Listener struct {
	// Refused is told of who was refused (*PeerError), and of failures after which Accept goes on, such as too many open files. nil
	// tells nobody.
	Refused func(error)

	socket *net.UnixListener
	lock   *os.File
	closed chan struct{}
	close  sync.Once
}

// Listen makes the folder if it is not there, takes its lock and listens. A socket that a dead broker has left behind is removed. The
// errors are ErrRunning, *FolderError, and the system's.
func Listen(folder string) (*Listener, error) {
	path, err := socketPath(folder)
	if err != nil {
		return nil, err
	}
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	lock, err := takeLock(filepath.Join(folder, LockName))
	if err != nil {
		return nil, err
	}
	socket, err := listen(path)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &Listener{socket: socket, lock: lock, closed: make(chan struct{})}, nil
}

func listen(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// takeLock is ErrRunning when another process has it. The system takes it back when a process dies.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrRunning
	}
	return nil, &os.PathError{Op: "flock", Path: path, Err: err}
}

// Accept waits for a client of this user. Others are refused, and Accept goes on, as after a failure that may be over soon. The
// error is net.ErrClosed after Close, or the system's.
func (l *Listener) Accept() (*Conn, error) {
	for pause := 5 * time.Millisecond; ; {
		socket, err := l.socket.AcceptUnix()
		if err == nil {
			var c *Conn
			if c, err = accepted(socket); err == nil {
				return c, nil
			}
			l.refused(err)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		if !mayPass(err) {
			return nil, err
		}
		l.refused(err)
		l.pause(pause)
		pause = min(2*pause, time.Second)
	}
}

func (l *Listener) refused(err error) {
	if l.Refused != nil {
		l.Refused(err)
	}
}

func (l *Listener) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.closed:
	}
}

// mayPass says whether an accept may succeed a little later (accept(2)).
func mayPass(err error) bool {
	e, ok := errors.AsType[syscall.Errno](err)
	return ok && (isScarce(e) || e == syscall.ENOBUFS || e == syscall.ENOMEM || e == syscall.ECONNABORTED)
}

// Close ends Accept, removes the socket and then gives the lock back. It may be called twice.
func (l *Listener) Close() (err error) {
	l.close.Do(func() {
		close(l.closed)
		err = l.socket.Close()
		// Close alone would leave it to a child that is being started at this moment and has a copy until its exec.
		_ = syscall.Flock(int(l.lock.Fd()), syscall.LOCK_UN)
		err = errors.Join(err, l.lock.Close())
	})
	return err
}
