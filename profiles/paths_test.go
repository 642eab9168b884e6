package profiles

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathsOfWindows(t *testing.T) {
	t.Parallel()
	rules := pathRules("windows")
	for _, c := range []struct{ dir, name, want string }{
		{`C:\p`, `x\y.exe`, `C:\p\x\y.exe`},
		{`C:\p`, `..\..\..\x`, `C:\x`},
		{`C:\p`, `D:/x`, `D:\x`},
		{`C:\p`, `D:/..`, `D:\`},
		{`C:\p`, `\tools\x.exe`, `C:\tools\x.exe`},
		{`\\host\share\p`, `x`, `\\host\share\p\x`},
		{`C:\p`, `\\host\share\x`, `\\host\share\x`},
	} {
		if got := rules.join(c.dir, c.name); got != c.want {
			t.Errorf("%s from %s: got %s, want %s", c.name, c.dir, got, c.want)
		}
	}
	if got := rules.dir(`C:\p\x`); got != `C:\p` {
		t.Errorf("the folder of C:\\p\\x: got %s", got)
	}
}

func TestProcessPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goos, folder, name string
		want               []string
	}{
		{"linux", "/p", "dotnet", []string{"/p/dotnet", "dotnet"}},
		{"linux", "/p", "./api", []string{"/p/api"}},
		{"linux", "/p", `.\bin\Api.EXE`, []string{"/p/bin/Api.EXE", "/p/bin/Api"}},
		{"linux", "/p", "api.exe", []string{"/p/api.exe", "/p/api", "api.exe", "api"}},
		{"linux", "/p", "/usr/bin/π ≠ 3·14", []string{"/usr/bin/π ≠ 3·14"}},
		{"linux", "/p", ".exe", []string{"/p/.exe", ".exe"}},
		{"windows", `C:\p`, `.\api.exe`, []string{`C:\p\api.exe`}},
		{"windows", `C:\p`, "dotnet", []string{`C:\p\dotnet`, "dotnet"}},
		{"windows", `C:\p`, `D:\x\api.exe`, []string{`D:\x\api.exe`}},
	} {
		if diff := cmp.Diff(c.want, pathRules(c.goos).processPath(c.folder, c.name)); diff != "" {
			t.Errorf("%s, %s: %s", c.goos, c.name, diff)
		}
	}
}
