package profiles

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/launchsettings"
)

// large is a settings file of about 6 kB, the size of the largest of 6,508 public ones, with the profile that is
// wanted last.
func large() []byte {
	var b strings.Builder
	b.WriteString("{\n  // made for a benchmark\n  \"profiles\": {\n")
	for i := range 12 {
		fmt.Fprintf(&b, `    "Profile %d": {
      "commandName": "Project",
      "launchBrowser": true,
      "launchUrl": "swagger",
      "applicationUrl": "https://localhost:7%03d;http://localhost:5%03d",
      "commandLineArgs": "--one \"two words\" %%HOME%%",
      "environmentVariables": {
        "ASPNETCORE_ENVIRONMENT": "Development",
        "ConnectionStrings__Main": "Host=localhost;Database=db%d;Username=%%USER%%",
        "FEATURE_%d": "on", /* by hand */
      },
      "gorun": { "package": "./cmd/api", "configuration": "Debug" },
    },
`, i, i, i, i, i)
	}
	b.WriteString("  }\n}\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	data := large()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if s := launchsettings.Parse("launchSettings.json", data); len(s.Diagnostics) > 0 {
			b.Fatal(s.Diagnostics)
		}
	}
}

func BenchmarkParseAndResolve(b *testing.B) {
	data := large()
	request := Request{Profile: "profile 11", Dir: "/p", Project: "/p", GOOS: "linux"}
	for i := range 60 {
		request.Environ = append(request.Environ, fmt.Sprintf("VARIABLE_%d=value", i))
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		choice, err := Select(launchsettings.Parse("/p/launchSettings.json", data), request)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := choice.Resolve(request, Facts{}); err != nil {
			b.Fatal(err)
		}
	}
}
