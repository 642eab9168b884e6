package webconfig

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Variable is one variable for the program, whose value real IIS expands like gorun does.
type Variable struct{ Name, Value string }

// Options say what Write writes.
type Options struct {
	Program   string     // the executable's name, without .exe
	Profile   string     // the profile that the variables come from; "" for none
	Variables []Variable // in their order
}

// ValueError is a name or value that a web.config cannot hold.
type ValueError struct {
	What string // of which value
	Why  string
}

func (e *ValueError) Error() string { return e.What + " cannot stand in a web.config: " + e.Why }

// Hint says what to do.
func (e *ValueError) Hint() string { return "change it, or choose another profile" }

// Write makes a web.config that real IIS accepts and Parse reads back: the module for every request, and a program
// beside the file, out-of-process. The error is a *ValueError.
func Write(o Options) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	program, err := escape(o.Program, "the program's name")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, opening, program)
	if len(o.Variables) == 0 {
		b.WriteString(" />\n" + tail)
		return b.Bytes(), nil
	}
	fmt.Fprintf(&b, ">\n        <!-- The variables of the profile %s. -->\n        <environmentVariables>\n", inComment(o.Profile))
	for _, v := range o.Variables {
		if v.Name == "" || strings.Contains(v.Name, "=") {
			return nil, &ValueError{fmt.Sprintf("the variable %q", v.Name), `a name is not empty and holds no "="`}
		}
		name, err := escape(v.Name, "the name of a variable")
		if err != nil {
			return nil, err
		}
		value, err := escape(v.Value, "the variable "+v.Name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "          <environmentVariable name=\"%s\" value=\"%s\" />\n", name, value)
	}
	b.WriteString("        </environmentVariables>\n      </aspNetCore>\n" + tail)
	return b.Bytes(), nil
}

const head = `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <location path="." inheritInChildApplications="false">
    <system.webServer>
      <handlers>
        <add name="aspNetCore" path="*" verb="*" modules="AspNetCoreModuleV2" resourceType="Unspecified" />
      </handlers>
      <!-- Real IIS runs a Go program out-of-process only: inprocess loads .NET code into IIS.
           The program stands beside this file; the folder of stdoutLogFile must be one that IIS may write to. -->
`

const opening = `      <aspNetCore processPath=".\%s.exe" arguments="" stdoutLogEnabled="false" stdoutLogFile=".\logs\stdout" hostingModel="outofprocess"`

const tail = `    </system.webServer>
  </location>
</configuration>
`

// escape makes s fit into an attribute's value.
func escape(s, what string) (string, error) {
	for i, r := range s {
		if _, size := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size == 1 || !inXML(r) {
			return "", &ValueError{what, fmt.Sprintf("XML has no character %U", r)}
		}
	}
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "", err
	}
	return b.String(), nil
}

// inXML is the rule of XML 1.0, section 2.2.
func inXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xd800 || r >= 0xe000 && r < 0xfffe || r >= 0x10000
}

// inComment makes s fit into a comment, which holds no "--" and does not end with "-".
func inComment(s string) string {
	s = strings.Map(func(r rune) rune {
		if !inXML(r) {
			return ' '
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "-", "\u2010")
}
