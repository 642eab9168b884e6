package launchsettings

import "strings"

// SplitArgs splits a commandLineArgs string as .NET does (the Windows rules, measured): spaces and tabs separate and
// nothing else, double quotes group and may begin inside a word, `\"` is a quote, backslashes elsewhere are
// themselves, `""` inside quotes is one quote, and an unclosed quote runs to the end.
func SplitArgs(s string) []string {
	var args []string
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return args
		}
		var arg string
		arg, s = nextArg(s)
		args = append(args, arg)
	}
}

func nextArg(s string) (arg, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			n := len(s[i:]) - len(strings.TrimLeft(s[i:], `\`))
			if i+n == len(s) || s[i+n] != '"' {
				b.WriteString(s[i : i+n])
				i += n - 1
				break
			}
			b.WriteString(strings.Repeat(`\`, n/2))
			i += n - 1
			if n%2 == 1 {
				b.WriteByte('"')
				i++
			}
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// Expand replaces each %NAME% in s by lookup's value, as .NET's Environment.ExpandEnvironmentVariables does: a name
// that lookup does not know stays as it is, and so do %% and a lone %. What was put in is not expanded again.
func Expand(s string, lookup func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(s, '%')
		if start < 0 {
			break
		}
		n := strings.IndexByte(s[start+1:], '%')
		if n < 0 {
			break
		}
		name := s[start+1 : start+1+n]
		value, ok := lookup(name)
		if !ok || name == "" {
			// The second % may open the next name.
			b.WriteString(s[:start+1+n])
			s = s[start+1+n:]
			continue
		}
		b.WriteString(s[:start])
		b.WriteString(value)
		s = s[start+n+2:]
	}
	b.WriteString(s)
	return b.String()
}
