package servers

import (
	"net/netip"
	"os"
	"strconv"
	"testing"
)

func TestParseProcAddr(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:0050":                         "0.0.0.0:80",
		"00000000000000000000000001000000:1388": "[::1]:5000",
		"0000000000000000FFFF00000100007F:1388": "127.0.0.1:5000",
		"":                                      "", "x": "", "0100007F": "", "0100007F:": "", "0100:1F90": "", "01007F:1F90": "", "0100007F:1F900": "",
	} {
		if got, ok := parseProcAddr(in); ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", in, got, ok, want)
		}
	}
}

func FuzzProcAddr(f *testing.F) {
	f.Add("0100007F:1F90")
	f.Add("00000000000000000000000001000000:1388")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := parseProcAddr(s); ok && !got.IsValid() {
			t.Errorf("%q: %v is no address", s, got)
		}
	})
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1", "127.0.0.1", true}, {"127.0.0.1", "127.0.0.2", false}, {"127.0.0.1", "::1", false},
		{"0.0.0.0", "127.0.0.1", true}, {"0.0.0.0", "::1", false}, {"::", "127.0.0.1", true}, {"::", "0.0.0.0", true},
		{"::1", "::1%lo", true},
	} {
		a, b := netip.MustParseAddr(c.a), netip.MustParseAddr(c.b)
		if overlap(a, b) != c.want || overlap(b, a) != c.want {
			t.Errorf("%v and %v: want %v", a, b, c.want)
		}
	}
}

// What is known of a holder is said, and what is not is not made up.
func TestHolderText(t *testing.T) {
	t.Parallel()
	own := os.Getpid()
	for _, c := range []struct {
		h          holder
		text, todo string
	}{
		{holder{}, "", "stop the program that listens there"},
		{holder{user: "0"}, " by a process of user 0", "stop the program that listens there"},
		{holder{pid: own + 1}, " by process " + strconv.Itoa(own+1), "stop process " + strconv.Itoa(own+1)},
		{holder{pid: own + 1, name: "api"}, " by process " + strconv.Itoa(own+1) + " (api)", "stop process " + strconv.Itoa(own+1)},
		{holder{pid: own, name: "api"}, " by this program itself", "leave out one of the two: *, 0.0.0.0 and [::] include other addresses with their port"},
	} {
		if c.h.text() != c.text || c.h.todo() != c.todo {
			t.Errorf("%+v: got %q, %q", c.h, c.h.text(), c.h.todo())
		}
	}
	if got := holderOfSocket("none", "7"); got != (holder{user: "7"}) {
		t.Errorf("a socket that nobody has: %+v", got)
	}
}
