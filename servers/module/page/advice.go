package page

// What to do next, for each Kind. `Backquotes` are shown as code.

const (
	seePlan = "`gorun plan` shows the command, the directory and the environment that it gets, and where each comes from."
	seeLogs = "Set `stdoutLogEnabled` to keep what the program writes in a file."
)

func adviseInternal(Failure) []string {
	return []string{"Look at what gorun has written: it says what went wrong."}
}

func adviseSettings(Failure) []string {
	return []string{
		"Correct the setting. The next request after that starts the program.",
		"`gorun plan` shows what was decided, and where each value comes from.",
	}
}

// adviseMissing is for a start that has not come to the program.
func adviseMissing(f Failure) []string {
	if f.Detailed {
		return []string{"Correct what the cause says. The next request after that builds and starts it."}
	}
	return []string{"gorun has written why on its terminal.", detailsHint("the cause")}
}

func adviseStart(f Failure) []string {
	return append(adviseEnd(f),
		"A program that opens an address itself cannot do so in-process, where gorun has it: serve it with `\"ancmHostingModel\": \"OutOfProcess\"`.", seePlan)
}

func adviseDependency(f Failure) []string {
	lines := []string{
		"If the program is a script, look at its first line: the interpreter after `#!` must be installed.",
		"If it is a binary, `ldd` with its path lists the libraries that are not found. `CGO_ENABLED=0` builds a Go program that needs none.",
	}
	if !f.Detailed {
		lines = append(lines, detailsHint("what is missing"))
	}
	return lines
}

func adviseArchitecture(Failure) []string {
	return []string{
		"Build it for this machine: `GOOS` and `GOARCH` must not be set to another system's, neither in the profile nor in the environment.",
		"`file` with the program's path says what it is for.",
	}
}

func adviseInProcessTimeout(f Failure) []string {
	lines := []string{
		"In-process the program must accept on the listeners that it inherits: `servers.Run` does, and so does any program that knows systemd's socket activation.",
		"Any other program can be served with `\"ancmHostingModel\": \"OutOfProcess\"`.",
		"If it only needs longer, raise `startupTimeLimit`.",
	}
	return append(lines, adviseOutput(f)...)
}

func adviseGateway(f Failure) []string {
	if f.ExitCode != nil || f.Signal != "" {
		return append(adviseEnd(f), "The next request starts it again.")
	}
	return append([]string{"Look at what the program wrote about this request. The answer must be HTTP/1.1."}, adviseOutput(f)...)
}

func adviseRequestTimeout(Failure) []string {
	return []string{
		"The program has not crashed: look for what this request waits for, such as a database or a lock.",
		"If it needs that long, raise `requestTimeout` (hh:mm:ss), or answer at once and do the work afterwards.",
	}
}

func adviseListen(f Failure) []string {
	if f.ExitCode != nil || f.Signal != "" {
		return append(adviseEnd(f), seePlan)
	}
	if len(f.Attempts) > 0 && f.Attempts[len(f.Attempts)-1].Port == 0 { // it did not come to that
		return []string{seePlan}
	}
	lines := []string{
		"The program must listen on 127.0.0.1, on the port in `PORT` (the same as `ASPNETCORE_PORT`). `servers.Run` does that by itself.",
		"If it only needs longer, raise `startupTimeLimit`.",
	}
	return append(append(lines, adviseOutput(f)...), seePlan)
}

func adviseStopping(Failure) []string {
	return []string{"Ask again in a moment."}
}

func adviseRapidFails(f Failure) []string {
	lines := append([]string{"Correct what makes the program end."}, adviseOutput(f)...)
	return append(lines, "It is started again when the minute is over; `rapidFailsPerMinute` says how often it may fail.")
}

// adviseEnd is for a program that has ended by itself.
func adviseEnd(f Failure) []string {
	if f.Signal == "SIGKILL" {
		return append([]string{"SIGKILL comes from outside: somebody has killed the program, or the system was short of memory."}, adviseOutput(f)...)
	}
	return append([]string{"The last lines that the program wrote mostly say why it ended."}, adviseOutput(f)...)
}

// adviseOutput says how to see what the program wrote.
func adviseOutput(f Failure) []string {
	if f.Detailed {
		return []string{seeLogs}
	}
	return []string{detailsHint("the program's last lines"), seeLogs}
}

func detailsHint(what string) string {
	return "Set `ASPNETCORE_DETAILEDERRORS` to 1, or `ASPNETCORE_ENVIRONMENT` to Development, to see " + what + " here."
}
