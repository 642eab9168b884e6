// Command gorun builds and runs Go programs by the profiles of launchSettings.json: see README.md.
package main

import (
	"os"

	"github.com/gorun-dev/gorun/internal/cli"
)

func main() { os.Exit(cli.Main()) }
