package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionCommand prints a shell's completion script. The scripts ask gorun itself, by the hidden verb __complete,
// so they know verbs, flags and the profiles of the folder that the user stands in.
func (w *world) completionCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell: bash, zsh, fish or powershell",
		ArgsUsage: "SHELL",
		Description: `bash:        source <(gorun completion bash)
zsh:         source <(gorun completion zsh)
fish:        gorun completion fish | source
powershell:  gorun completion powershell | Out-String | Invoke-Expression`,
		Action: func(*cli.Context) error {
			shell := ""
			if len(inv.Args) == 1 {
				shell = inv.Args[0]
			}
			script, ok := completionScripts[shell]
			if !ok {
				return usage("completion wants the name of a shell", "it is bash, zsh, fish or powershell")
			}
			fmt.Fprint(w.stdout, script)
			return nil
		},
	}
}

// complete prints what the last of words may become, one candidate a line.
func (w *world) complete(words []string) int {
	if len(words) == 0 {
		words = []string{""}
	}
	// bash makes --flag=value three words, and gives a word that was quoted as it was typed.
	if n := len(words); n >= 2 && words[n-1] == "=" {
		words[n-1] = ""
	} else if n >= 3 && words[n-2] == "=" {
		words = append(words[:n-2:n-2], words[n-1])
	}
	last := strings.NewReplacer(`\`, "", `"`, "", "'", "").Replace(words[len(words)-1])
	for _, candidate := range w.candidates(words[:len(words)-1], last) {
		if strings.HasPrefix(strings.ToLower(candidate), strings.ToLower(last)) {
			fmt.Fprintln(w.stdout, candidate)
		}
	}
	return exitOK
}

// candidates are the words that may come after others. Without any the shell offers files.
func (w *world) candidates(before []string, last string) []string {
	if len(before) > 0 {
		switch strings.TrimLeft(before[len(before)-1], "-") {
		case "launch-profile", "lp":
			return w.profileNames(before)
		case "configuration", "c":
			return []string{"Debug", "Release"}
		case "verbosity", "v":
			return []string{"quiet", "minimal", "normal", "detailed", "diagnostic"}
		case "shell":
			return []string{"sh", "bash", "zsh", "fish", "powershell", "cmd"}
		case "launch-settings", "project", "environment", "e", "urls", "events":
			return nil
		}
	}
	command := w.commandOf(before)
	var out []string
	switch {
	case strings.HasPrefix(last, "-"):
		for _, f := range command.Flags {
			out = append(out, "--"+f.Names()[0])
		}
	case command.Name == "completion":
		out = []string{"bash", "zsh", "fish", "powershell"}
	case command.Name == "httpsys":
		out = httpsysWords(before[1:])
	case len(before) == 0 || command.Name == "help":
		for _, c := range w.commands(&Invocation{}) {
			out = append(out, c.Name)
		}
		out = append(out, "help")
	}
	return out
}

// commandOf is the command that the words before name: run, where they name none.
func (w *world) commandOf(before []string) *cli.Command {
	commands := w.commands(&Invocation{})
	if len(before) > 0 {
		if before[0] == "help" {
			return &cli.Command{Name: "help"}
		}
		for _, c := range commands {
			if c.Name == before[0] {
				return c
			}
		}
	}
	return commands[0]
}

// profileNames are those of the settings file that the command line would use.
func (w *world) profileNames(before []string) []string {
	at := where{}
	for i, word := range before {
		name, value, inline := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !inline && i+1 < len(before) {
			value = before[i+1]
		}
		switch {
		case !strings.HasPrefix(word, "-"):
		case name == "launch-settings":
			at.settings = value
		case name == "project":
			at.project = value
		}
	}
	target, err := w.find(at, nil)
	settings, _, _ := w.settings(at, target, err)
	return settings.Names()
}

// completionScripts hand the words of the command line to gorun, the one at the cursor last.
var completionScripts = map[string]string{
	"bash": `_gorun() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$(printf %q "$candidate")")
  done < <(gorun __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _gorun gorun
`,
	"zsh": `#compdef gorun
_gorun() {
  local -a found
  found=("${(@f)$(gorun __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _gorun gorun
`,
	"fish": `function __gorun_complete
  set -l words (commandline -opc) (commandline -ct)
  gorun __complete $words[2..-1] 2>/dev/null
end
complete -c gorun -f -a '(__gorun_complete)' -n 'test -n "$(__gorun_complete)"'
complete -c gorun -F -n 'test -z "$(__gorun_complete)"'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName gorun -ScriptBlock {
  param($word, $ast, $cursor)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($word -eq '') { $words += '' }
  gorun __complete @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}
