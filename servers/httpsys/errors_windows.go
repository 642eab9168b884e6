//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"fmt"
	"os/user"

	"golang.org/x/sys/windows"
)

// PrefixError says why the system has not registered a prefix. errors.Is finds ErrReserved, ErrExists and ErrPort.
type PrefixError struct {
	Prefix string // as it was given to the system
	Port   uint16
	User   string // who this process runs as, for the advice
	Err    error  // a syscall.Errno
}

// Is finds the reasons that a registration can have on every system.
func (e *PrefixError) Is(target error) bool {
	switch target {
	case ErrReserved:
		return errors.Is(e.Err, windows.ERROR_ACCESS_DENIED)
	case ErrExists:
		return errors.Is(e.Err, windows.ERROR_ALREADY_EXISTS)
	case ErrPort:
		return errors.Is(e.Err, windows.ERROR_SHARING_VIOLATION)
	}
	return false
}

func (e *PrefixError) Error() string {
	switch {
	case errors.Is(e.Err, windows.ERROR_ACCESS_DENIED):
		return fmt.Sprintf("access denied: %s is not reserved for %s", e.Prefix, e.User)
	case errors.Is(e.Err, windows.ERROR_ALREADY_EXISTS):
		return fmt.Sprintf("%s is already registered, by another program or twice by this one", e.Prefix)
	case errors.Is(e.Err, windows.ERROR_SHARING_VIOLATION):
		return fmt.Sprintf("port %d is in use by a program that does not use HTTP.sys", e.Port)
	}
	return fmt.Sprintf("HTTP.sys refuses %s: %v", e.Prefix, e.Err)
}

// Unwrap gives Err.
func (e *PrefixError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *PrefixError) Hint() string {
	switch {
	case errors.Is(e.Err, windows.ERROR_ACCESS_DENIED):
		return fmt.Sprintf(`reserve it, as an administrator: netsh http add urlacl url=%s user="%s"`, e.Prefix, e.User)
	case errors.Is(e.Err, windows.ERROR_ALREADY_EXISTS):
		return "see who has it: netsh http show servicestate view=requestq"
	case errors.Is(e.Err, windows.ERROR_SHARING_VIOLATION):
		return fmt.Sprintf("see who has it: netstat -ano | findstr :%d", e.Port)
	case errors.Is(e.Err, windows.ERROR_INVALID_PARAMETER):
		return "a prefix is scheme://host:port/path/ with a host that this machine has, +, or *"
	}
	return ""
}

// QueueError says why a request queue could not be made or opened.
type QueueError struct {
	Name string // "" for a queue without a name
	Mode Mode
	Err  error // a syscall.Errno
}

func (e *QueueError) Error() string {
	switch {
	case errors.Is(e.Err, windows.ERROR_FILE_NOT_FOUND):
		return fmt.Sprintf("there is no request queue %q to attach to", e.Name)
	case errors.Is(e.Err, windows.ERROR_ALREADY_EXISTS):
		return fmt.Sprintf("there is a request queue %q already", e.Name)
	case errors.Is(e.Err, windows.ERROR_INVALID_NAME):
		return fmt.Sprintf("%q is no name for a request queue", e.Name)
	case errors.Is(e.Err, windows.ERROR_ACCESS_DENIED):
		return fmt.Sprintf("access to the request queue %q is denied: another user has made it", e.Name)
	}
	return fmt.Sprintf("the request queue %q cannot be opened: %v", e.Name, e.Err)
}

// Unwrap gives Err.
func (e *QueueError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *QueueError) Hint() string {
	switch {
	case errors.Is(e.Err, windows.ERROR_FILE_NOT_FOUND):
		return "start the program that makes it first, or set RequestQueueMode to CreateOrAttach"
	case errors.Is(e.Err, windows.ERROR_ALREADY_EXISTS):
		return "set RequestQueueMode to Attach or CreateOrAttach to share it, or choose another RequestQueueName"
	case errors.Is(e.Err, windows.ERROR_INVALID_NAME):
		return "choose a name of letters, digits, dots and dashes"
	}
	return ""
}

// SystemError says which call of the system failed that should not.
type SystemError struct {
	Call string // as in http.h
	Err  error  // a syscall.Errno
}

func (e *SystemError) Error() string { return fmt.Sprintf("HTTP.sys: %s: %v", e.Call, e.Err) }

// Unwrap gives Err.
func (e *SystemError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *SystemError) Hint() string {
	return "see whether the service is there and runs: sc query http"
}

// userName is who this process runs as, in the form that netsh takes.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return "Everyone"
	}
	return u.Username
}
