package broker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// URLACL reserves a prefix and all below it for a user, as netsh http add urlacl does (reference: servers.md, 4.3). Unlike HTTP.sys,
// nobody needs a reservation: it only keeps others out.
type URLACL struct {
	URL  string `json:"url"`  // a UrlPrefix with its port, such as http://+:80/app/
	User string `json:"user"` // a name, with a Windows domain or without, or a number; "Everyone" is any
}

// reservation is a URLACL that was read.
type reservation struct {
	URLACL
	prefix urlprefix.Prefix
}

// reservations are those of a file.
type reservations []reservation

func parseReservation(a URLACL) (reservation, error) {
	prefix, err := urlprefix.Parse(a.URL)
	switch {
	case err != nil:
		return reservation{}, err
	case prefix.Port == 0:
		return reservation{}, fmt.Errorf("url=%s: port 0 is any, and cannot be reserved", a.URL)
	case strings.TrimSpace(a.User) == "":
		return reservation{}, errors.New("user is missing: the name of a user, or Everyone")
	}
	a.URL = prefix.String()
	return reservation{a, prefix}, nil
}

// same gives the index of the reservation of a prefix, or -1, however it is written: upper case and escapes are no difference.
func (all reservations) same(p urlprefix.Prefix) int {
	return slices.IndexFunc(all, func(r reservation) bool { return r.prefix.Key() == p.Key() })
}

// of gives the reservation that counts for p: the longest that covers it.
func (all reservations) of(p urlprefix.Prefix) (best reservation, found bool) {
	for _, r := range all {
		if urlprefix.Covers(r.prefix, p) && (!found || len(r.prefix.Key()) > len(best.prefix.Key())) {
			best, found = r, true
		}
	}
	return best, found
}

// URLACLs lists the reservations, in the order in which they were added.
func (s *Store) URLACLs() []URLACL { return s.get().urlACLs() }

func (s *settings) urlACLs() (all []URLACL) {
	for _, r := range s.acls {
		all = append(all, r.URLACL)
	}
	return all
}

// AddURLACL reserves a prefix, and gives the reservation in the form in which it is kept. A text that is no prefix is a
// *urlprefix.ParseError, a user whom this system does not know a *UserError, and one that is reserved already a *ReservedError.
// A running broker knows of it after Reload; what is registered by then stays.
func (s *Store) AddURLACL(a URLACL) (URLACL, error) {
	r, err := parseReservation(a)
	if err != nil {
		return a, err
	}
	if _, known := s.o.Lookup(account(r.User)); !known && !isEveryone(r.User) {
		return a, &UserError{r.User}
	}
	err = s.change(func(now *settings) error {
		if at := now.acls.same(r.prefix); at >= 0 {
			return &ReservedError{There: now.acls[at].URLACL, Prefix: r.URL}
		}
		now.acls = append(now.acls, r)
		return nil
	})
	return r.URLACL, err
}

// DeleteURLACL removes the reservation of a URL, in whatever case and with whatever escapes it is written. One that is not there is a *NoReservationError.
func (s *Store) DeleteURLACL(url string) error {
	r, err := parseReservation(URLACL{URL: url, User: "any"})
	if err != nil {
		return err
	}
	return s.change(func(now *settings) error {
		at := now.acls.same(r.prefix)
		if at < 0 {
			return &NoReservationError{r.URL}
		}
		now.acls = slices.Delete(now.acls, at, at+1)
		return nil
	})
}

// allows says whether the user with that number may register p. An error is a *ReservedError. A user whom the system does not
// know (any more) is nobody's.
func (s *Store) allows(p urlprefix.Prefix, uid int) error {
	r, found := s.get().acls.of(p)
	if !found || isEveryone(r.User) {
		return nil
	}
	if owner, known := s.o.Lookup(account(r.User)); known && owner == strconv.Itoa(uid) {
		return nil
	}
	return &ReservedError{There: r.URLACL, Prefix: p.String()}
}

func isEveryone(user string) bool { return strings.EqualFold(account(user), "Everyone") }

// account is a name without the domain that Windows has before it.
func account(user string) string {
	return user[strings.LastIndexByte(user, '\\')+1:]
}

// ReservedError is a prefix that is reserved for another user, or already.
type ReservedError struct {
	There  URLACL // the reservation
	Prefix string // what was asked for
}

func (e *ReservedError) Error() string {
	if e.Prefix == e.There.URL {
		return fmt.Sprintf("%s is reserved for the user %s", e.Prefix, e.There.User)
	}
	return fmt.Sprintf("%s is below %s, which is reserved for the user %s", e.Prefix, e.There.URL, e.There.User)
}

// Hint gives the command that takes the reservation away.
func (e *ReservedError) Hint() string { return "gorun httpsys delete urlacl url=" + e.There.URL }

// NoReservationError is a reservation that is not there.
type NoReservationError struct{ URL string }

func (e *NoReservationError) Error() string { return e.URL + " is not reserved" }

// Hint gives the command that lists them.
func (e *NoReservationError) Hint() string { return "gorun httpsys show urlacl" }

// UserError is a user whom this system does not know.
type UserError struct{ User string }

func (e *UserError) Error() string {
	return fmt.Sprintf("there is no user %q on this system", cmp.Or(account(e.User), e.User))
}

// Hint says what can be given.
func (e *UserError) Hint() string { return "user= wants the name of a user, a number, or Everyone" }
