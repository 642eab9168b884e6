package wire

// Variable names the folder of the broker in the environment: an absolute path.
const Variable = "GORUN_HTTPSYS"

// The files in the folder.
const (
	SocketName = "broker.sock"
	LockName   = "broker.lock" // flocked as long as a broker lives
	LogName    = "broker.log"  // what a broker says that runs in the background
)
