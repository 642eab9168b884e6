package process

// GuardMain does nothing on Windows, where the job object is the guard.
func GuardMain() (exitCode int, isGuard bool) { return 0, false }
