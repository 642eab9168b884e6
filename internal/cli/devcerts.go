package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/devcert/trust"
)

// The exit statuses of dotnet dev-certs that can occur here (reference: aspnetcore, dotnet-dev-certs Program.cs).
const (
	certUsage      = -1 // which is 255 on most systems
	certNotMade    = 1
	certNotSaved   = 2
	certNotExport  = 3
	certNotTrust   = 4
	certNone       = 6
	certUntrusted  = 7
	certNotCleaned = 8
	certBroken     = 9
	certFormat     = 10
	certNotImport  = 11
	certNoFile     = 12
	certNotLoaded  = 13
	certForeign    = 14
)

// devCertsCommand manages the certificate for HTTPS on this machine.
func (w *world) devCertsCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "dev-certs",
		Usage:     "make, check, trust, export and remove the certificate for https on this machine",
		ArgsUsage: "https",
		Description: `Without flags it makes the certificate, unless there is a valid one. Flags and exit statuses are those of dotnet
dev-certs https; -c is --check here, and -v is --verbose.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "say whether there is a valid certificate, with --trust also whether it is trusted; change nothing"},
			&cli.BoolFlag{Name: "check-trust-machine-readable", Usage: "the same as --check --trust as JSON"},
			&cli.BoolFlag{Name: "trust", Aliases: []string{"t"}, Usage: "have it trusted by the system, Chromium and Firefox"},
			&cli.BoolFlag{Name: "clean", Usage: "remove it, and the trust in it"},
			&cli.StringFlag{Name: "export-path", Aliases: []string{"ep"}, Usage: "`FILE` write the certificate there; with a password, or --no-password, also its key"},
			&cli.StringFlag{Name: "import", Aliases: []string{"i"}, Usage: "`FILE` with --clean: take the certificate of this PFX in place of the one that is removed"},
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` Pfx, which is the default, or Pem"},
			&cli.StringFlag{Name: "password", Aliases: []string{"p"}, Usage: "`PASSWORD` of the exported key, or of the PFX to import"},
			&cli.BoolFlag{Name: "no-password", Aliases: []string{"np"}, Usage: "export the key without a password; wants --format"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "problems alone"},
			&cli.BoolFlag{Name: "verbose", Usage: "details"},
		},
		Action: func(c *cli.Context) error { return w.devCerts(c, inv) },
	}
}

// devCertsArgs spells out the short options of dotnet dev-certs that mean something else to gorun's other verbs.
func devCertsArgs(args []string) []string {
	if len(args) == 0 || args[0] != "dev-certs" {
		return args
	}
	out := slices.Clone(args)
	for i := 1; i < len(out); i++ {
		switch strings.TrimPrefix(out[i], "-") {
		case "-":
			return out
		case "c":
			out[i] = "--check"
		case "v":
			out[i] = "--verbose"
		case "p", "-password", "ep", "-export-path", "i", "-import", "-format", "-verbosity":
			i++ // its value
		}
	}
	return out
}

// wrongFlagsError are flags of dev-certs that do not go together.
type wrongFlagsError struct{ why string }

func (e *wrongFlagsError) Error() string { return e.why }

// Hint shows what goes together, in the words of dotnet dev-certs.
func (e *wrongFlagsError) Hint() string {
	return "gorun dev-certs https, or with --trust, --check, --check --trust, --clean, --clean --import FILE -p PASSWORD, -ep FILE, -ep FILE -p PASSWORD, -ep FILE --format Pem -np, or -ep FILE --format Pem -p PASSWORD"
}

// checkCertFlags refuses what dotnet dev-certs refuses, but for --format Pfx --no-password.
func checkCertFlags(c *cli.Context) error {
	wants := func(name string) bool { return c.Bool(name) }
	switch {
	case wants("clean"):
		return checkCleanFlags(c)
	case c.IsSet("import"):
		return &wrongFlagsError{"--import wants --clean"}
	case wants("check") && setOf(c, "export-path", "format", "password", "no-password") != "":
		return &wrongFlagsError{"--check does not go with " + setOf(c, "export-path", "format", "password", "no-password")}
	case c.IsSet("password") && wants("no-password"):
		return &wrongFlagsError{"--password and --no-password exclude each other"}
	case c.IsSet("password") && c.String("password") == "":
		return &wrongFlagsError{"--password wants one that is not empty"}
	case wants("no-password") && !strings.EqualFold(c.String("format"), "Pem") && !strings.EqualFold(c.String("format"), "Pfx"):
		return &wrongFlagsError{"--no-password wants --format Pem, or --format Pfx"}
	}
	return nil
}

// checkCleanFlags refuses what does not go with --clean.
func checkCleanFlags(c *cli.Context) error {
	importing := c.IsSet("import")
	switch other := setOf(c, "trust", "check", "export-path", "format", "no-password"); {
	case other != "":
		return &wrongFlagsError{"--clean does not go with " + other}
	case importing && !c.IsSet("password"):
		return &wrongFlagsError{"--import wants --password"}
	case !importing && c.IsSet("password"):
		return &wrongFlagsError{"--clean does not go with --password, but for --import"}
	}
	return nil
}

// setOf gives the first of the flags that is set, or "".
func setOf(c *cli.Context, names ...string) string {
	for _, name := range names {
		if c.IsSet(name) {
			return "--" + name
		}
	}
	return ""
}

func (w *world) devCerts(c *cli.Context, inv *Invocation) error {
	if len(inv.Args) == 0 {
		w.helpOne(c.Command)
		return nil
	}
	if !slices.Equal(inv.Args, []string{"https"}) {
		return usage("dev-certs does not know "+ui.ShellQuote(inv.Args), "there is only gorun dev-certs https")
	}
	switch {
	case c.Bool("quiet"):
		w.look(c.Bool("no-color"), ui.Quiet)
	case c.Bool("verbose"):
		w.look(c.Bool("no-color"), ui.Detailed)
	}
	if err := checkCertFlags(c); err != nil {
		return w.ends(certUsage, err)
	}
	switch {
	case c.Bool("check-trust-machine-readable"):
		return w.certJSON(c.Context)
	case c.Bool("check"):
		return w.checkCert(c.Context, c.Bool("trust"))
	case c.Bool("clean") && c.IsSet("import"):
		return w.importCert(c.Context, c.String("import"), c.String("password"))
	case c.Bool("clean"):
		return w.cleanCert(c.Context)
	}
	return w.ensureCert(c)
}

// ends tells of a problem and gives its status.
func (w *world) ends(status int, err error) error {
	w.ui.Problem(err)
	return exitStatus(status)
}

func (w *world) certOptions() devcert.Options { return devcert.Options{Getenv: w.getenv} }

func (w *world) trustOptions(info devcert.Info) trust.Options {
	return trust.Options{
		Getenv: w.getenv, File: info.AnchorFile,
		Interactive: w.interactive() && term.IsTerminal(int(w.stdin.Fd())),
	}
}

// ensureCert makes the certificate, and then exports and trusts it, as far as that is asked for.
func (w *world) ensureCert(c *cli.Context) error {
	export, status, err := w.exportOf(c)
	if err != nil {
		return w.ends(status, err)
	}
	cert, info, err := devcert.Ensure(w.certOptions())
	if _, ok := errors.AsType[*devcert.WriteError](err); ok {
		return w.ends(certNotSaved, err)
	}
	if err != nil {
		return w.ends(certNotMade, err)
	}
	w.tellCert(info, c.Bool("trust"))
	if err := export.write(cert, info); err != nil {
		return w.ends(certNotExport, err)
	}
	for _, path := range export.written() {
		w.ui.Say("wrote %s", w.ui.Path(path))
	}
	if !c.Bool("trust") {
		return nil
	}
	if user := w.getenv("SUDO_USER"); os.Getuid() == 0 && user != "" && user != "root" {
		w.ui.Say("this is the certificate of root, not that of %s: without sudo in front it asks for the password where it must", user)
	}
	return w.trustCert(c.Context, info)
}

func (w *world) tellCert(info devcert.Info, trusting bool) {
	until := info.Leaf.NotAfter.Format(time.DateOnly)
	if !info.Made {
		w.ui.Say("a valid https certificate is there already, until %s: %s", until, w.ui.Path(info.File))
		if info.Leftover != nil {
			w.ui.Problem(fmt.Errorf("it could not be renewed: %w", info.Leftover))
		}
		return
	}
	w.ui.Say("made a certificate for https, valid until %s: %s", until, w.ui.Path(info.File))
	w.ui.Detail("because %s", info.Reason)
	switch {
	case info.Source == devcert.Mkcert:
		w.ui.Say("the CA of mkcert signed it: %s", w.ui.Path(info.AnchorFile))
	case info.MadeCA && !trusting:
		w.ui.Say("nobody trusts it yet: `gorun dev-certs https --trust` changes that")
	}
}
