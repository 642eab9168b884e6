package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/ui"
)

// tell makes the story of a run, which goes to stderr and to --events. It has to be ended.
func (w *world) tell(c *cli.Context) (*story, error) {
	s := &story{w: w, progress: w.ui.Progress()}
	name := c.String("events")
	if !c.IsSet("events") {
		return s, nil
	}
	if name == "" {
		return nil, usage("--events names nothing", "it wants a file, fd:N or unix:PATH; is a variable unset?")
	}
	sink, err := openEvents(name, w.abs)
	if err != nil {
		return nil, usage("--events "+name+" cannot be opened: "+reason(err).Error(), "it wants a file, fd:N for an open descriptor, or unix:PATH for a socket that is listened on")
	}
	s.lines = ui.NewEventLines(sink)
	return s, nil
}

// openEvents opens what --events names: a file, which is appended to, fd:N or unix:PATH.
func openEvents(name string, abs func(string) string) (io.WriteCloser, error) {
	if number, ok := strings.CutPrefix(name, "fd:"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no descriptor", number)
		}
		f := os.NewFile(uintptr(n), name)
		if _, err := f.Stat(); err != nil {
			return nil, err
		}
		closeOnExec(f)
		return f, nil
	}
	if path, ok := strings.CutPrefix(name, "unix:"); ok {
		return net.Dial("unix", abs(path))
	}
	return os.OpenFile(abs(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
}
