package ui

import (
	"fmt"
	"slices"
	"strings"
)

// Export is the line that sets a variable in a shell and exports it: sh, bash, zsh, fish, powershell (also pwsh) or
// cmd. The value is passed on exactly, but that powershell before 7.5 and cmd remove a variable that is set to "".
// For cmd the line is meant for a batch file.
//
// The error is an *UnknownShellError, or an *ExportError for what that shell cannot hold.
func Export(shell, name, value string) (string, error) {
	switch shell {
	case "sh", "bash", "zsh":
		return exportLine(shell, name, "export "+name+"="+singleQuoted(value))
	case "fish":
		escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
		return exportLine(shell, name, "set -gx "+name+" '"+escaped+"'")
	case "powershell", "pwsh":
		return exportPowershell(shell, name, value)
	case "cmd":
		return exportCmd(name, value)
	}
	return "", &UnknownShellError{Shell: shell}
}

// exportLine is line, when the shell can have a variable of this name and may set it.
func exportLine(shell, name, line string) (string, error) {
	if !isIdentifier(name) {
		return "", &ExportError{shell, fmt.Sprintf("cannot have a variable called %q", name)}
	}
	if slices.Contains(readOnly[shell], name) {
		return "", &ExportError{shell, "does not let " + name + " be set"}
	}
	return line, nil
}

// readOnly are the variables whose setting as a string is an error, which may end the reading of all that follows, or
// changes the shell itself, as UID does.
var readOnly = map[string][]string{
	"sh":   {"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"}, // sh is bash on some systems
	"bash": {"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"},
	"zsh": {"ARGC", "EGID", "EUID", "GID", "HISTCMD", "LINENO", "PPID", "TTYIDLE", "UID", "ZSH_EVAL_CONTEXT", "ZSH_SUBSHELL", "status",
		"argv", "cdpath", "commands", "fignore", "fpath", "funcstack", "functions", "mailpath", "manpath", "module_path", "options", "path", "pipestatus", "psvar"},
	"fish": {"FISH_VERSION", "PWD", "SHLVL", "_", "fish_kill_signal", "fish_pid", "history", "hostname", "pipestatus", "status", "version"},
}

func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// exportPowershell: between single quotes only a single quote is special, in any of the five forms that PowerShell
// takes for one. Windows has names such as ProgramFiles(x86), which want braces.
func exportPowershell(shell, name, value string) (string, error) {
	variable := "$env:" + name
	if !isIdentifier(name) {
		if name == "" || strings.Trim(name, "() .-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return "", &ExportError{shell, fmt.Sprintf("cannot have a variable called %q", name)}
		}
		variable = "${env:" + name + "}"
	}
	escaped := strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019",
		"\u201a", "\u201a\u201a", "\u201b", "\u201b\u201b").Replace(value)
	return variable + " = '" + escaped + "'", nil
}

// exportCmd: a value with double quotes stands without any around it, since an inner one would end the quoting and let
// the rest be run; every special character then has a caret.
func exportCmd(name, value string) (string, error) {
	if name == "" || strings.ContainsAny(name, "=\"%!^&|<>\r\n") {
		return "", &ExportError{"cmd", fmt.Sprintf("cannot have a variable called %q", name)}
	}
	if strings.ContainsAny(value, "\r\n") {
		return "", &ExportError{"cmd", "cannot have a line break in " + name}
	}
	value = strings.ReplaceAll(value, "%", "%%")
	if !strings.Contains(value, `"`) {
		return `set "` + name + "=" + value + `"`, nil
	}
	var b strings.Builder
	for _, c := range []byte(name + "=" + value) {
		if strings.IndexByte(`^&|<>()"`, c) >= 0 {
			b.WriteByte('^')
		}
		b.WriteByte(c)
	}
	return "set " + b.String(), nil
}

// UnknownShellError is a shell that Export does not know.
type UnknownShellError struct{ Shell string }

func (e *UnknownShellError) Error() string { return fmt.Sprintf("there is no shell %q", e.Shell) }

// Hint lists the shells.
func (e *UnknownShellError) Hint() string {
	return "the shells are sh, bash, zsh, fish, powershell and cmd"
}

// ExportError is a variable that a shell cannot hold. It never shows the value.
type ExportError struct {
	Shell  string
	Reason string
}

func (e *ExportError) Error() string { return e.Shell + " " + e.Reason }
