package webconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// wrap puts round what stands in <system.webServer> the rest of a file.
func wrap(section string) string {
	return "<configuration>\n<system.webServer>\n" + section + "\n</system.webServer>\n</configuration>\n"
}

// messages are the diagnostics of a text, with their lines and columns.
func messages(text string) []string {
	var out []string
	for _, d := range Parse("", []byte(text)).Diagnostics {
		out = append(out, strings.TrimPrefix(d.Place.String(), ":")+": "+d.Message)
	}
	return out
}

// What real IIS refuses is refused, with the place of the attribute (S17 and reference: servers.md, 1.1).
func TestAuthoringErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"S17 hosting model":     {wrap(`<aspNetCore processPath="x" hostingModel="bogus"/>`), `3:43: unknown hosting model "bogus"`},
		"S17 empty processPath": {wrap(`<aspNetCore processPath=""/>`), `3:26: the attribute "processPath" is required, and is empty`},
		"S17 no processPath":    {wrap(`<aspNetCore/>`), `3:2: the attribute "processPath" is required`},
		"S17 unknown child": {wrap(`<aspNetCore processPath="x"><environmentVariables><bogus/></environmentVariables></aspNetCore>`),
			"3:52: <environmentVariables> has no element <bogus>"},
		"unknown element":     {wrap(`<aspNetCore processPath="x"><bogus/></aspNetCore>`), "3:30: <aspNetCore> has no element <bogus>"},
		"unknown attribute":   {wrap(`<aspNetCore processPath="x" bogus="1"/>`), `3:29: <aspNetCore> has no attribute "bogus"`},
		"wrong case":          {wrap(`<aspNetCore processPath="x" Arguments="1"/>`), `3:29: <aspNetCore> has no attribute "Arguments"`},
		"variable, no name":   {wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable value=""/></environmentVariables></aspNetCore>`), `3:52: <environmentVariable> needs the attribute "name"`},
		"variable, name":      {wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable name="" value=""/></environmentVariables></aspNetCore>`), `3:78: the attribute "name" is empty`},
		"variable, no value":  {wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable name="A"/></environmentVariables></aspNetCore>`), `3:52: <environmentVariable> needs the attribute "value"`},
		"variable, equals":    {wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable name="A=B" value=""/></environmentVariables></aspNetCore>`), `3:78: the name of a variable cannot hold "="`},
		"variable, attribute": {wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable name="A" value="" x=""/></environmentVariables></aspNetCore>`), `3:90: <environmentVariable> has no attribute "x"`},
		"startup, too much":   {wrap(`<aspNetCore processPath="x" startupTimeLimit="3601"/>`), `3:47: "startupTimeLimit" wants a whole number from 0 to 3600, not "3601"`},
		"startup, sign":       {wrap(`<aspNetCore processPath="x" startupTimeLimit="-1"/>`), `3:47: "startupTimeLimit" wants a whole number from 0 to 3600, not "-1"`},
		"shutdown":            {wrap(`<aspNetCore processPath="x" shutdownTimeLimit="601"/>`), `3:48: "shutdownTimeLimit" wants a whole number from 0 to 600, not "601"`},
		"rapid fails":         {wrap(`<aspNetCore processPath="x" rapidFailsPerMinute="101"/>`), `3:50: "rapidFailsPerMinute" wants a whole number from 0 to 100, not "101"`},
		"no processes":        {wrap(`<aspNetCore processPath="x" processesPerApplication="0"/>`), `3:54: "processesPerApplication" wants a whole number from 1 to 100, not "0"`},
		"time, minutes":       {wrap(`<aspNetCore processPath="x" requestTimeout="00:60:00"/>`), `3:45: "requestTimeout" wants a time as hh:mm:ss, such as 00:02:00, not "00:60:00"`},
		"time, number":        {wrap(`<aspNetCore processPath="x" requestTimeout="5"/>`), `3:45: "requestTimeout" wants a time as hh:mm:ss, such as 00:02:00, not "5"`},
		"time, too long":      {wrap(`<aspNetCore processPath="x" requestTimeout="360:00:01"/>`), `3:45: "requestTimeout" wants a time up to 360:00:00, not 360:00:01`},
		"bool":                {wrap(`<aspNetCore processPath="x" stdoutLogEnabled="yes"/>`), `3:47: "stdoutLogEnabled" wants true or false, not "yes"`},
		"twice":               {wrap(`<aspNetCore processPath="x"/><aspNetCore processPath="y"/>`), "3:31: <aspNetCore> stands here a second time"},
		"outside":             {`<configuration><aspNetCore processPath="x"/></configuration>`, "1:17: <aspNetCore> stands outside <system.webServer>"},
		"file without path":   {wrap(`<aspNetCore processPath="x"><recycleOnFileChange><file path=""/></recycleOnFileChange></aspNetCore>`), `3:51: <file> needs the attribute "path"`},
		"content length":      {wrap(`<security><requestFiltering><requestLimits maxAllowedContentLength="4294967296"/></requestFiltering></security>`), `3:69: "maxAllowedContentLength" wants a whole number from 0 to 4294967295, not "4294967296"`},
		"ssl flags":           {wrap(`<security><access sslFlags="Ssl,SslNegotiate"/></security>`), `3:29: "sslFlags" has no flag "SslNegotiate"`},
		"root":                {`<web/>`, "1:2: the first element of a web.config is <configuration>, not <web>"},
	} {
		got := Parse("", []byte(c.text)).Diagnostics
		if list := messages(c.text); len(list) != 1 || list[0] != c.want || got[0].Severity != diagnostic.Error {
			t.Errorf("%s:\n got %q\nwant %q", name, list, c.want)
		}
	}
}

func TestMalformedXML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "1:1: the file has no element"},
		"no text":     {"\x00\x01", "1:1: this is no XML: illegal character code U+0000"},
		"unclosed":    {"<configuration>\n<a>", "2:3: this is no XML: the file ends, but not all elements are closed"},
		"crossed":     {"<configuration>\n<a></b></configuration>", "2:4: this is no XML: element <a> closed by </b>"},
		"ampersand":   {`<configuration a="x & y"/>`, "1:21: this is no XML: invalid character entity & (no semicolon)"},
		"less than":   {`<configuration a="<"/>`, "1:19: this is no XML: unescaped < inside quoted string"},
		"quotes":      {`<configuration a=1/>`, "1:18: this is no XML: unquoted or missing attribute value in element"},
		"twice":       {`<configuration a="1" b="" a="2"/>`, `1:27: the attribute "a" stands here a second time`},
		"two roots":   {"<configuration/>\n<configuration/>", "2:1: a second element stands beside the first"},
		"text before": {"x\n<configuration/>", "1:1: text stands outside the root element"},
		"conflict":    {"<configuration>\n<<<<<<< HEAD\n</configuration>", "2:1: a merge conflict marker stands here"},
		"comment":     {"<configuration>\n<!-- a -- b --></configuration>", "2:10: this is no XML: invalid sequence \"--\" not allowed in comments"},
	} {
		if list := messages(c.text); len(list) != 1 || list[0] != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, list, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"handler setting": {wrap(`<aspNetCore processPath="x"><handlerSettings><handlerSetting name="debugLevl" value="x"/></handlerSettings></aspNetCore>`), `3:86: the module knows no handler setting "debugLevl"`},
		"configSource":    {wrap(`<aspNetCore processPath="x" configSource="other.config"/>`), "3:29: gorun does not read the file that configSource names"},
		"variable twice": {wrap("<aspNetCore processPath='x'><environmentVariables>\n<environmentVariable name='A' value='1'/>\n<environmentVariable name='A' value='2'/></environmentVariables></aspNetCore>"),
			`5:2: "A" stands here a second time, and this one counts`},
	} {
		got := Parse("", []byte(c.text)).Diagnostics
		if list := messages(c.text); len(list) != 1 || list[0] != c.want || got[0].Severity != diagnostic.Warning {
			t.Errorf("%s:\n got %q\nwant %q", name, list, c.want)
		}
	}
}

// A file without the element is none of the module's business.
func TestNothingToSay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<configuration/>",
		"<?xml version='1.0'?>\n<!-- x --><configuration xmlns='http://schemas.microsoft.com/.NetConfiguration/v2.0'><system.web><httpRuntime executionTimeout='x'/></system.web></configuration>",
		`<configuration><location path="sub"><system.webServer><aspNetCore/></system.webServer></location></configuration>`,
	} {
		if got := Parse("w", []byte(text)); len(got.Diagnostics) > 0 || !got.Module.Place.IsZero() {
			t.Errorf("%s: got %+v", text, got)
		}
	}
}

const full = `<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE configuration>
<configuration>
  <system.webServer>
    <security><requestFiltering><requestLimits maxAllowedContentLength="52428800" /></requestFiltering></security>
    <aspNetCore processPath='dotnet' startupTimeLimit = "1" lockAttributes="processPath">
      <environmentVariables><environmentVariable name="A" value="root" /></environmentVariables>
    </aspNetCore>
  </system.webServer>
  <location path="." inheritInChildApplications="false">
    <system.webServer>
      <handlers>
        <add name="aspNetCore" path="*" verb="*" modules="AspNetCoreModuleV2" resourceType="Unspecified" />
      </handlers>
      <aspNetCore processPath="%LAUNCHER_PATH%" arguments="a &quot;b c&quot; &#x3c0;" shutdownTimeLimit="0" rapidFailsPerMinute="100"
          requestTimeout="1.02:03:04" stdoutLogEnabled="TRUE" stdoutLogFile=".\logs\stdout" processesPerApplication="3"
          forwardWindowsAuthToken="false" disableStartUpErrorPage="true" hostingModel="InPROCESS">
        <!-- a comment --><![CDATA[text]]>
        <environmentVariables>
          <environmentVariable name="A" value="%X%;&lt;1&gt;" />
          <environmentVariable value="" name="B" />
        </environmentVariables>
        <handlerSettings><handlerSetting name="DEBUGLEVEL" value="FILE" /></handlerSettings>
        <recycleOnFileChange><file path="x" /></recycleOnFileChange>
      </aspNetCore>
    </system.webServer>
  </location>
</configuration>
`

func TestEverySetting(t *testing.T) {
	t.Parallel()
	got := Parse("/p/web.config", []byte(full))
	if errors := got.Diagnostics.Errors(); len(errors) > 0 {
		t.Fatal(errors)
	}
	m := got.Module
	if place := m.HostingModel.Place.String(); place != "/p/web.config:17:88" {
		t.Errorf("hostingModel stands at %s", place)
	}
	if place := m.Arguments.Place; place.Start.Column != 60 || place.End.Column != 85 {
		t.Errorf("arguments stands at %+v", place)
	}
	plain := func(v launchsettings.Variable) string { return v.Name + "=" + v.Value.V }
	variables := func(list []launchsettings.Variable) (out []string) {
		for _, v := range list {
			out = append(out, plain(v))
		}
		return out
	}
	want := []any{"%LAUNCHER_PATH%", `a "b c" π`, time.Second, time.Duration(0), 100, 26*time.Hour + 3*time.Minute + 4*time.Second,
		true, `.\logs\stdout`, 3, false, true, launchsettings.InProcess, int64(52428800),
		[]string{"A=%X%;<1>", "B="}, []string{"debugLevel=FILE"}}
	if diff := cmp.Diff(want, []any{m.ProcessPath.V, m.Arguments.V, m.StartupTimeLimit.V, m.ShutdownTimeLimit.V, m.RapidFailsPerMinute.V,
		m.RequestTimeout.V, m.StdoutLogEnabled.V, m.StdoutLogFile.V, m.ProcessesPerApplication.V, m.ForwardWindowsAuthToken.V,
		m.DisableStartUpErrorPage.V, m.HostingModel.V, m.MaxAllowedContentLength.V,
		variables(m.EnvironmentVariables), variables(m.HandlerSettings)}); diff != "" {
		t.Error(diff)
	}
	if !m.ShutdownTimeLimit.Set || !m.ForwardWindowsAuthToken.Set {
		t.Error("what is written as zero is taken for not there")
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	got := Parse("", []byte(wrap(`<aspNetCore processPath="x"><environmentVariables><environmentVariable name="A" value="1"/><clear/><environmentVariable name="B" value="2"/></environmentVariables></aspNetCore>`)))
	if v := got.Module.EnvironmentVariables; len(v) != 1 || v[0].Name != "B" || len(got.Diagnostics) > 0 {
		t.Errorf("got %+v", got)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = `<?xml version="1.0" encoding="utf-16"?><configuration><system.webServer><aspNetCore processPath="π ≠ 3·14"/></system.webServer></configuration>`
	little, big := "\xff\xfe", "\xfe\xff"
	for _, r := range text {
		little += string([]byte{byte(r), byte(r >> 8)})
		big += string([]byte{byte(r >> 8), byte(r)})
	}
	for name, data := range map[string]string{"UTF-8": text, "mark": "\xef\xbb\xbf" + text, "little": little, "big": big} {
		if got := Parse("", []byte(data)); got.Module.ProcessPath.V != "π ≠ 3·14" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "web.config")); !os.IsNotExist(err) && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder is read")
	}
	path := filepath.Join(dir, "web.config")
	if err := os.WriteFile(path, []byte(full), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || got.Path != path || got.Module.Place.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	variables := []Variable{{"ASPNETCORE_ENVIRONMENT", "Development"}, {"X", "a<b>&\"c\"\t\r\n%PATH% π 'd'"}, {"EMPTY", ""}}
	data, err := Write(Options{Program: "api & co", Profile: "--My Profile-", Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	got := Parse("web.config", data)
	if len(got.Diagnostics) > 0 {
		t.Fatalf("what was written is refused: %v\n%s", got.Diagnostics, data)
	}
	m := got.Module
	var read []Variable
	for _, v := range m.EnvironmentVariables {
		read = append(read, Variable{v.Name, v.Value.V})
	}
	if diff := cmp.Diff(variables, read); diff != "" {
		t.Error(diff)
	}
	if m.ProcessPath.V != `.\api & co.exe` || m.HostingModel.V != launchsettings.OutOfProcess || m.StdoutLogFile.V != `.\logs\stdout` || m.StdoutLogEnabled.V || !m.Arguments.Set {
		t.Errorf("got %+v", m)
	}
	for _, bad := range []string{"a\x01", "a\xff", "\ufffe"} {
		if _, err := Write(Options{Program: "a", Variables: []Variable{{"A", bad}}}); err == nil {
			t.Errorf("%q is written", bad)
		}
	}
}

// What sslFlags say of the certificates of clients, in Kestrel's words.
func TestSSLFlags(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"":                                      "NoCertificate",
		"None":                                  "NoCertificate",
		"Ssl":                                   "NoCertificate",
		"SslNegotiateCert":                      "AllowCertificate",
		"Ssl, SslNegotiateCert":                 "AllowCertificate",
		"Ssl, SslNegotiateCert, SslRequireCert": "RequireCertificate",
		"Ssl,SslRequireCert,Ssl128":             "RequireCertificate",
	} {
		got := Parse("", []byte(wrap(`<security><access sslFlags="`+flags+`"/></security>`)))
		if mode := got.Module.ClientCertificateMode; mode.V != want || len(got.Diagnostics) > 0 || mode.Place.Start.Line != 3 {
			t.Errorf("%q: %+v, %v", flags, mode, got.Diagnostics)
		}
	}
}
