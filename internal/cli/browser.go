package cli

import (
	"errors"
	"os/exec"
	"runtime"
)

// openBrowser opens a URL as the user's system does: with $BROWSER where it is set, else with the system's opener.
// It does not wait for a browser that stays.
func (w *world) openBrowser(url string) error {
	var command []string
	switch browser := w.getenv("BROWSER"); {
	case browser != "":
		command = []string{browser, url}
	case runtime.GOOS == "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case runtime.GOOS == "darwin":
		command = []string{"open", url}
	default:
		command = []string{"xdg-open", url}
	}
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New(command[0] + " is not installed; BROWSER can name another program")
		}
		return reason(err)
	}
	go func() { _ = cmd.Wait() }() // only so that it leaves no zombie; it may outlive gorun
	return nil
}
