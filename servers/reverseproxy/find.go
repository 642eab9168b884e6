package reverseproxy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Program is a front as it is installed on this machine.
type Program struct {
	Kind    Kind
	Path    string // absolute
	Version string // such as "1.22.1"; "" is taken for an old one
	Modules string // the folder of Apache's modules; "" for nginx

	// User and Group are what its processes run as, and "" unless the caller is root: only root can choose, and both
	// programs want to be told then. nginx stays root, so that it can use a folder that is root's alone; Apache
	// refuses to.
	User, Group string
}

// names are those of the executables, the usual one first.
var names = map[Kind][]string{Nginx: {"nginx"}, Apache: {"apache2", "httpd"}}

// folders are where the programs are when PATH does not say: Debian leaves /usr/sbin out of a user's.
var folders = []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin"}

// moduleFolders are where Apache's modules are: Debian, RedHat, Alpine, SUSE, Arch, Homebrew, macOS. Beside the
// program is looked first.
var moduleFolders = []string{
	"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/lib/apache2",
	"/usr/lib64/apache2", "/opt/homebrew/opt/httpd/lib/httpd/modules", "/usr/local/opt/httpd/lib/httpd/modules",
	"/usr/libexec/apache2",
}

// Find looks for the program on the PATH that getenv gives, and then where systems keep it, and asks it for its
// version. It is a *NotInstalledError when there is none, and always on Windows, where neither can be run as this
// package does.
func Find(ctx context.Context, kind Kind, getenv func(string) string) (Program, error) {
	if _, known := dialects[kind]; !known {
		return Program{}, &UnknownKindError{kind}
	}
	if runtime.GOOS == "windows" {
		return Program{}, &NotInstalledError{Kind: kind, Windows: true}
	}
	for _, folder := range append(filepath.SplitList(getenv("PATH")), folders...) {
		for _, name := range names[kind] {
			program := Program{Kind: kind, Path: filepath.Join(folder, name)}
			if !filepath.IsAbs(program.Path) || !isExecutable(program.Path) || !program.askVersion(ctx) {
				continue
			}
			if kind == Apache {
				program.Modules = findModules(program.Path)
			}
			program.User, program.Group = runAs(kind)
			return program, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return Program{}, context.Cause(ctx)
	}
	return Program{}, &NotInstalledError{Kind: kind}
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// askVersion reports whether the program is what its name says: BusyBox has an httpd too.
func (p *Program) askVersion(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path, "-v")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return false
	}
	var is bool
	p.Version, is = version(p.Kind, string(out))
	return is
}

// version reads "nginx version: nginx/1.22.1" and "Server version: Apache/2.4.71 (Debian)". Builds of nginx by others
// have another name before the slash.
func version(kind Kind, out string) (version string, is bool) {
	mark := "nginx version: "
	if kind == Apache {
		mark = "Server version: Apache"
	}
	_, rest, is := strings.Cut(out, mark)
	line, _, _ := strings.Cut(rest, "\n")
	_, line, _ = strings.Cut(line, "/")
	version, _, _ = strings.Cut(line, " ")
	return strings.TrimSpace(version), is
}

// atLeast compares the version.
func (p Program) atLeast(major, minor, patch int) bool {
	var is [3]int
	_, _ = fmt.Sscanf(p.Version, "%d.%d.%d", &is[0], &is[1], &is[2]) // what cannot be read is 0, an old one
	for i, want := range [...]int{major, minor, patch} {
		if is[i] != want {
			return is[i] > want
		}
	}
	return true
}

// findModules is "" when there is no such folder: a build may have all modules in itself.
func findModules(program string) string {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	root := filepath.Dir(filepath.Dir(program))
	beside := []string{filepath.Join(root, "lib/httpd/modules"), filepath.Join(root, "modules")}
	for _, folder := range append(beside, moduleFolders...) {
		if _, err := os.Stat(filepath.Join(folder, "mod_proxy.so")); err == nil {
			return folder
		}
	}
	return ""
}

// runAs is Program.User and Group.
func runAs(kind Kind) (name, group string) {
	if os.Geteuid() != 0 {
		return "", ""
	}
	if kind == Nginx {
		return "root", ""
	}
	for _, name := range []string{"www-data", "apache", "_www", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if group, err := user.LookupGroupId(account.Gid); err == nil {
			return name, group.Name
		}
	}
	return "", ""
}
