package stamp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// odd is a stamp with names that are hard to write down.
func odd() Stamp {
	state := State{Regular, 1<<64 - 1, 1<<63 - 1, -1, -1 << 63}
	names := []string{
		"", " ", "\t", "\n", "\r", `"`, `"quoted"`, "a\tb", "line\nbreak\r\n", "\xff\xfe", "\x00", "ü日本", `back\slash`, "'", "-",
		"folder", "d\t", "f\t", "\u2028", "end ",
	}
	s := Stamp{Taken: -5, Output: File{Name: "/out\tput", State: state}, Ask: "it\nalways\tmust"}
	for i, name := range names {
		sum := SumOf(name)
		s.Settings = append(s.Settings, Setting{name, sum})
		s.Files = append(s.Files, File{name, State{Kind: Kind("arldou"[i%6])}, Sum{}, Sum{}})
		s.Folders = append(s.Folders, Folder{
			Path: name, Rule: name + "rule",
			Dirs:  []Dir{{".", state}, {name, State{Kind: Unknown}}},
			Files: []File{{name, state, sum, []Sum{{}, sum, nothing, SumOf("part")}[i%4]}, {name + "x", State{Kind: Linked, Size: 3}, Sum{}, Sum{}}},
		})
	}
	s.Folders = append(s.Folders, Folder{Path: "empty"})
	return s
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	none := File{State: State{Kind: Absent}}
	for _, s := range []Stamp{odd(), {Output: none}, {Output: none, Settings: []Setting{{"x", Sum{}}}}} {
		path := filepath.Join(t.TempDir(), "stamp")
		if err := s.Write(path); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&s, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("the folder holds %v", entries)
		}
	}
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "stamp")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (&Stamp{}).Write(path); err == nil {
		t.Error("a folder was replaced by a stamp")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

// Whatever happens to one byte of a stamp, it is refused or says the same.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	s := Stamp{Taken: 7, Output: File{Name: "/out", State: State{Kind: Regular, Size: 1}}, Files: []File{{"/a\n", State{Kind: Absent}, Sum{}, Sum{}}}}
	s.Folders = []Folder{{Path: "/src", Rule: "package", Dirs: []Dir{{".", State{Kind: Folded}}}, Files: []File{{"x.go", State{Regular, 1, 2, 3, 4}, SumOf("x"), SumOf("part")}}}}
	text := s.encode()
	want, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what, text string) {
		if got, err := decode(text); err == nil && !cmp.Equal(want, got) {
			t.Errorf("%s is read as %+v", what, got)
		}
	}
	for i := range text {
		expect("cut off", text[:i])
		expect("without a byte", text[:i]+text[i+1:])
		expect("with a byte twice", text[:i]+text[i:i+1]+text[i:])
		for b := range 256 {
			expect("with another byte", text[:i]+string([]byte{byte(b)})+text[i+1:])
		}
	}
	for _, more := range []string{"\n", " ", "taken\t1\n", "\x00"} {
		expect("with more behind it", text+more)
	}
}

// What has the right sum may still be nonsense, such as a stamp of a newer gorun that kept the version.
func TestDecodeNonsense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"x", "\n", "taken\n", "taken\tx\n", "output\tx\n", "output\tx\t\t-\n", "output\tx\trx\t-\n", "output\tx\t\x80\t-\n", "output\tx\tz\t-\n", "output\tx\tr 1 2\t-\n",
		"output\tx\tr\t12\n", "setting\tx\n", "setting\t\"x\t-\n", "folder\tx\ty\t-1\n", "folder\tx\ty\t999999999999\n", "folder\tx\n",
		"news\tx\n", "d\tx\td\n", "f\tx\tr\t-\n",
	} {
		if got, err := decode(header + SumOf(body).String() + "\n" + body); err == nil {
			t.Errorf("%q is read as %+v", body, got)
		}
	}
}

// What can be read is written as something that reads the same, and nothing makes decode panic.
func FuzzDecode(f *testing.F) {
	s := odd()
	_, body, _ := strings.Cut(s.encode(), "\n")
	f.Add(body)
	f.Add("setting\t\t000000000000000000000\x7f000000a000\n")
	f.Add("taken\t5\noutput\t/x\tr 1 2 3 4\t-\nask\tx\nsetting\tA\t-\nfile\t/y\ta\t-\nfolder\t/z\tp\t1\nd\t.\td\nf\tx.go\tr 1 2 3 4\t-\n")
	f.Fuzz(func(t *testing.T, body string) {
		decode(body)
		got, err := decode(header + SumOf(body).String() + "\n" + body)
		if err != nil {
			return
		}
		again, err := decode(got.encode())
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}
