package process

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// job is a job object: whatever a process in it starts is in it too, and all die with its last handle, which the
// system closes when this process ends in whatever way.
type job windows.Handle

func newJob() (job, error) {
	handle, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(handle, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		windows.CloseHandle(handle)
		return 0, err
	}
	return job(handle), nil
}

func (j job) add(process uintptr) error {
	return windows.AssignProcessToJobObject(windows.Handle(j), windows.Handle(process))
}

// kill ends all processes of the job, with exit code 1.
func (j job) kill() error { return windows.TerminateJobObject(windows.Handle(j), 1) }

func (j job) close() { _ = windows.CloseHandle(windows.Handle(j)) }

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION of winnt.h.
type accounting struct {
	_      [4]int64 // times
	_      uint32   // page faults
	_      uint32   // processes, in all
	active uint32
	_      uint32 // processes that were ended by a limit
}

// active is the number of live processes. It is 0 when it cannot be read.
func (j job) active() int {
	var info accounting
	err := windows.QueryInformationJobObject(windows.Handle(j), windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	if err != nil {
		return 0
	}
	return int(info.active)
}

// pids returns the live processes.
func (j job) pids() []int {
	for room := 62; ; room *= 4 {
		// JOBOBJECT_BASIC_PROCESS_ID_LIST: two 32-bit counts (assigned, listed), then pids of pointer size.
		const header = 8 / unsafe.Sizeof(uintptr(0))
		list := make([]uintptr, int(header)+room)
		err := windows.QueryInformationJobObject(windows.Handle(j), windows.JobObjectBasicProcessIdList,
			uintptr(unsafe.Pointer(&list[0])), uint32(uintptr(len(list))*unsafe.Sizeof(list[0])), nil)
		if err == windows.ERROR_MORE_DATA {
			continue
		}
		if err != nil {
			return nil
		}
		listed := *(*uint32)(unsafe.Add(unsafe.Pointer(&list[0]), 4))
		pids := make([]int, 0, listed)
		for _, pid := range list[header:][:listed] {
			pids = append(pids, int(pid))
		}
		return pids
	}
}

// resume lets a process run that was created suspended: it has one thread, whose handle the os package has closed.
func resume(pid int) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if int(entry.OwnerProcessID) != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(thread)
		_, err = windows.ResumeThread(thread)
		return err
	}
	return err
}
