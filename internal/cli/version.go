package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// versionInfo is what there is to say about this binary.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Delve    string `json:"delve,omitempty"` // the version that is linked in
}

// versionCommand prints the version.
func (w *world) versionCommand(*Invocation) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			v := version()
			if c.Bool("json") {
				return w.ui.JSON(v)
			}
			revision := ""
			if v.Revision != "" {
				revision = " (" + v.Revision + ")"
			}
			fmt.Fprintf(w.stdout, "gorun %s%s %s %s/%s\n", v.Version, revision, v.Go, v.OS, v.Arch)
			return nil
		},
	}
}

// version reads what the Go toolchain stamped into the binary.
func version() versionInfo {
	v := versionInfo{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v.Revision = s.Value[:12]
		}
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/go-delve/delve" {
			v.Delve = m.Version
		}
	}
	return v
}
