package webconfig

import (
	"testing"

	"github.com/gorun-dev/gorun/launchsettings"
)

// FuzzParse holds what must be true of every file: no panic, and every position lies in the text.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(wrap("<aspNetCore processPath='x' a = \"1\"b='2'\n/>")))
	f.Add([]byte("\xff\xfe<\x00a\x00>\x00"))
	f.Add([]byte("<configuration xmlns:x='y'><x:location x:path='.'/></configuration>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := len(launchsettings.NewText("f", data).Bytes())
		got := Parse("f", data)
		for _, d := range got.Diagnostics {
			if s, e := d.Place.Start, d.Place.End; s.Offset < 0 || e.Offset < s.Offset || e.Offset > size || s.Line < 1 || s.Column < 1 {
				t.Errorf("%v is outside the text of %d bytes: %s", d.Place, size, d.Message)
			}
		}
		if len(got.Diagnostics.Errors()) == 0 && !got.Module.Place.IsZero() && !got.Module.ProcessPath.Set {
			t.Error("accepted without a processPath")
		}
	})
}

// FuzzWrite holds that what is written is read back.
func FuzzWrite(f *testing.F) {
	f.Add("api", "Development", "A", "1\n<&>\"'")
	f.Add("-->", "--", "x y", "\ufffd")
	f.Fuzz(func(t *testing.T, program, profile, name, value string) {
		data, err := Write(Options{Program: program, Profile: profile, Variables: []Variable{{name, value}}})
		if err != nil {
			return
		}
		got := Parse("f", data)
		if v := got.Module.EnvironmentVariables; len(v) != 1 || v[0].Name != name || v[0].Value.V != value || got.Module.ProcessPath.V != `.\`+program+".exe" {
			t.Errorf("read back: %+v, %v\n%s", got.Module, got.Diagnostics, data)
		}
	})
}
