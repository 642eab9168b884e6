//go:build amd64 || arm64

package httpsys

import (
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// setQueue applies the options of a queue that is new.
func (y *system) setQueue() error {
	if httpapi.Lacks("SetRequestQueueProperty") {
		return nil
	}
	limit := uint32(min(y.options.QueueLimit(), math.MaxInt32))
	if err := setQueueNumber(y.queue, httpapi.QueueLengthProperty, limit); err != nil {
		return &OptionError{"RequestQueueLimit", "the system refuses it: " + err.Error(), "leave it out for 1000"}
	}
	if err := setQueueNumber(y.queue, httpapi.VerbosityProperty, uint32(y.options.Http503Verbosity)); err != nil {
		return &OptionError{"Http503Verbosity", "the system refuses it: " + err.Error(), "leave it out for Basic"}
	}
	return nil
}

func setQueueNumber(queue windows.Handle, property httpapi.Property, n uint32) error {
	return httpapi.SetRequestQueueProperty(queue, property, unsafe.Pointer(&n), uint32(unsafe.Sizeof(n)), 0, 0)
}

// setGroup applies the options that belong to URLs.
func (y *system) setGroup(group uint64) error {
	if httpapi.Lacks("SetURLGroupProperty") {
		return nil
	}
	if y.options.MaxConnections != 0 {
		limit := httpapi.ConnectionLimit{Flags: httpapi.Present, MaxConnections: noLimitOr(y.options.MaxConnections)}
		qos := httpapi.QoSSetting{Type: httpapi.QoSConnectionLimit, Setting: unsafe.Pointer(&limit)}
		if err := httpapi.SetURLGroupProperty(group, httpapi.QoSProperty, unsafe.Pointer(&qos), uint32(unsafe.Sizeof(qos))); err != nil {
			return &OptionError{"MaxConnections", "the system refuses it: " + err.Error(), "leave it out for what the machine allows"}
		}
	}
	if y.options.Timeouts == (Timeouts{}) {
		return nil
	}
	limits := timeoutLimits(y.options.Timeouts)
	if err := httpapi.SetURLGroupProperty(group, httpapi.TimeoutsProperty, unsafe.Pointer(&limits), uint32(unsafe.Sizeof(limits))); err != nil {
		return &OptionError{"Timeouts", "the system refuses them: " + err.Error(), "leave them out for 2 minutes each"}
	}
	return nil
}

func timeoutLimits(t Timeouts) httpapi.TimeoutLimits {
	limits := httpapi.TimeoutLimits{
		Flags:           httpapi.Present,
		EntityBody:      wholeSeconds(t.EntityBody),
		DrainEntityBody: wholeSeconds(t.DrainEntityBody),
		RequestQueue:    wholeSeconds(t.RequestQueue),
		IdleConnection:  wholeSeconds(t.IdleConnection),
		HeaderWait:      wholeSeconds(t.HeaderWait),
	}
	if t.MinSendBytesPerSecond != 0 {
		limits.MinSendRate = noLimitOr(t.MinSendBytesPerSecond)
	}
	return limits
}

// wholeSeconds rounds up. The system has no word for "no limit" (0 is its default): the longest time is 18 hours.
func wholeSeconds(d time.Duration) uint16 {
	if d < 0 || d > math.MaxUint16*time.Second {
		return math.MaxUint16
	}
	return uint16((d + time.Second - 1) / time.Second)
}

// noLimitOr gives n as the API has it, where the largest number is no limit.
func noLimitOr(n int64) uint32 {
	if n < 0 || n > math.MaxUint32 {
		return math.MaxUint32
	}
	return uint32(n)
}
