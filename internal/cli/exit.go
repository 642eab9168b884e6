package cli

// The exit statuses of gorun itself. Where a program was started, gorun's status is the program's: 0 to 255, and
// 128+n when signal n ended it. docs/exit-codes.md has the same table, with the
// statuses that later commands are going to have.
const (
	exitOK     = 0
	exitFailed = 1 // the program could not be started: settings, build, port, ...
	exitUsage  = 2 // wrong use of the command line
)
