package profiles

import "testing"

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
