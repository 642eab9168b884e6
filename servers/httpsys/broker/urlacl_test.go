package broker

import (
	"errors"
	"os/user"
	"strconv"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

func TestReservations(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	for _, a := range []URLACL{
		{"http://+:80/", "you"}, {"http://+:80/mine/", "me"}, {"http://+:80/mine/yours/", "you"}, {"http://+:80/all/", "Everyone"},
		{"https://shop.example:443/", `PC\1002`},
	} {
		_, err := s.AddURLACL(a)
		must(t, err)
	}
	for prefix, want := range map[string]string{ // what is in the way of me, with 1000
		"http://+:80/":                    "http://+:80/ is reserved for the user you",
		"http://+:80/other/":              "http://+:80/other/ is below http://+:80/, which is reserved for the user you",
		"http://+:80/MINE/":               "",
		"http://+:80/mine/sub/":           "",
		"http://+:80/mine/yours/":         "reserved for the user you",
		"http://+:80/mine/YOURS/sub/":     "is below http://+:80/mine/yours/",
		"http://+:80/all/":                "",
		"http://localhost:80/":            "",
		"http://+:8080/":                  "",
		"https://+:80/":                   "",
		"https://Shop.example:443/basket": `reserved for the user PC\1002`,
	} {
		err := s.allows(mustPrefix(t, prefix), 1000)
		switch e, ok := errors.AsType[*ReservedError](err); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", prefix, err)
		case want != "" && (!ok || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", prefix, err, want)
		case ok && e.Hint() != "gorun httpsys delete urlacl url="+e.There.URL:
			t.Errorf("%s: hint %s", prefix, e.Hint())
		}
	}
	if err := s.allows(mustPrefix(t, "http://+:80/other/"), 1001); err != nil {
		t.Errorf("its owner: %v", err)
	}
	if err := s.allows(mustPrefix(t, "https://shop.example:443/"), 1002); err != nil {
		t.Errorf("its owner, by number: %v", err)
	}
	if err := (*Store)(nil).allows(mustPrefix(t, "http://+:80/"), 1000); err != nil {
		t.Errorf("without a store: %v", err)
	}
	var state wire.State
	s.describe(&state)
	if len(state.Reservations) != 5 || state.Reservations[0] != (wire.Reservation{Prefix: "http://+:80/", User: "you"}) {
		t.Errorf("described: %v", state.Reservations)
	}
}

// The longest reservation counts, and escapes make none longer; the same one is found however it is written.
func TestReservationsWithEscapes(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	for _, a := range []URLACL{{"http://+:80/%61%70%70%2D%6F%6E%65/", "you"}, {"http://+:80/App-One/sub/", "me"}} {
		_, err := s.AddURLACL(a)
		must(t, err)
	}
	must(t, s.allows(mustPrefix(t, "http://+:80/app-one/sub/x/"), 1000))
	if err := s.allows(mustPrefix(t, "http://+:80/app-one/"), 1000); err == nil {
		t.Error("what is reserved for another is allowed")
	}
	_, err := s.AddURLACL(URLACL{"http://+:80/APP-ONE/", "me"})
	if _, ok := errors.AsType[*ReservedError](err); !ok {
		t.Errorf("it is reserved twice: %v", err)
	}
	must(t, s.DeleteURLACL("HTTP://+:80/APP-one/SUB"))
	must(t, s.DeleteURLACL("http://+:80/app-one"))
	if left := s.URLACLs(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAddURLACLRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	if _, err := s.AddURLACL(URLACL{"http://+:80/app", "me"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.AddURLACL(URLACL{"http://+:80/app/", "you"})
	if _, ok := errors.AsType[*ReservedError](err); !ok {
		t.Errorf("twice: %v", err)
	}
	_, err = s.AddURLACL(URLACL{"http://+:81/", "nobody-here"})
	if e, ok := errors.AsType[*UserError](err); !ok || e.Hint() == "" {
		t.Errorf("unknown user: %v", err)
	}
	_, err = s.AddURLACL(URLACL{"localhost:81", "me"})
	if _, ok := errors.AsType[*urlprefix.ParseError](err); !ok {
		t.Errorf("no prefix: %v", err)
	}
	for _, a := range []URLACL{{"http://+:0/", "me"}, {"http://+:81/", " "}} {
		if _, err := s.AddURLACL(a); err == nil {
			t.Errorf("%v was added", a)
		}
	}
	err = s.DeleteURLACL("http://+:82/")
	if e, ok := errors.AsType[*NoReservationError](err); !ok || e.URL != "http://+:82/" || e.Hint() == "" {
		t.Errorf("deleted: %v", err)
	}
	if len(s.URLACLs()) != 1 {
		t.Errorf("left: %v", s.URLACLs())
	}
}

// The system's own users are found by name and number.
func TestLookup(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	must(t, err)
	if uid, ok := lookup(me.Username); !ok || uid != me.Uid {
		t.Errorf("%s: %s, %v", me.Username, uid, ok)
	}
	if uid, ok := lookup("123456"); !ok || uid != strconv.Itoa(123456) {
		t.Errorf("a number: %s, %v", uid, ok)
	}
	if _, ok := lookup("no such user"); ok {
		t.Error("nobody was found")
	}
}
