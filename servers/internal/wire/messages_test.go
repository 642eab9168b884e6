package wire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	f, err := Answer(7, Added{[]string{"http://+:80/"}}, nil)
	if err != nil || f.Kind != KindReply || f.ID != 7 {
		t.Fatalf("got %+v, %v", f, err)
	}
	var added Added
	if err := f.Reply(&added); err != nil || len(added.Prefixes) != 1 || added.Prefixes[0] != "http://+:80/" {
		t.Errorf("got %v, %v", added, err)
	}
	if err := f.Reply(nil); err != nil {
		t.Error(err)
	}
	done, err := Answer(8, nil, nil)
	if err := errors.Join(err, done.Reply(nil)); err != nil {
		t.Error(err)
	}
	if err := done.Reply(&added); !isProtocol(err) {
		t.Errorf("no data: %v", err)
	}
	for _, row := range []struct {
		err  error
		want Error
	}{
		{&Error{CodeExists, "http://+:80/ is registered by api (12)", "stop it"}, Error{CodeExists, "http://+:80/ is registered by api (12)", "stop it"}},
		{fmt.Errorf("more: %w", &Error{Code: CodeLimit, Message: "too many"}), Error{Code: CodeLimit, Message: "too many"}},
		{errors.New("plain"), Error{Code: CodeProtocol, Message: "plain"}},
		{&NoBrokerError{"/f", errors.New("refused")}, Error{CodeProtocol, "no HTTP.sys broker is running: refused", "start it: gorun httpsys start"}},
	} {
		f, err := Answer(9, nil, row.err)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := errors.AsType[*Error](f.Reply(nil)); !ok || *e != row.want || e.Hint() != row.want.Advice || e.Error() != row.want.Message {
			t.Errorf("%v: got %+v", row.err, e)
		}
	}
	if _, err := Answer(1, make(chan int), nil); err == nil {
		t.Error("a channel is JSON")
	}
	for _, f := range []Frame{{Kind: KindState}, {Kind: KindReply}, {Kind: KindReply, Payload: []byte("{")}} {
		if err := f.Reply(nil); !isProtocol(err) {
			t.Errorf("%v %q: %v", f.Kind, f.Payload, err)
		}
	}
}

func isProtocol(err error) bool {
	_, ok := errors.AsType[*ProtocolError](err)
	return ok
}

func TestHandover(t *testing.T) {
	t.Parallel()
	meta := &Meta{Remote: "127.0.0.1:1234", Local: "[::1]:443", Hops: 1, TLS: &TLSState{Version: 0x304, ServerName: "a", Peers: [][]byte{{1, 2}}}}
	for _, h := range []Handover{
		{},
		{Encrypted: true},
		{Read: []byte("GET / HTTP/1.1\r\n")},
		{Meta: meta},
		{Meta: meta, Read: []byte("x"), Encrypted: true},
	} {
		b, err := h.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseHandover(b[len("before"):])
		if err != nil || got.Encrypted != h.Encrypted || !reflect.DeepEqual(got.Meta, h.Meta) || !bytes.Equal(got.Read, h.Read) {
			t.Errorf("sent %+v, got %+v, %v", h, got, err)
		}
	}
	for _, h := range []Handback{{}, {Queue: "other"}, {Meta: meta, Queue: "a\x00é", Read: []byte("GET")}} {
		b, err := h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseHandback(b)
		if err != nil || got.Queue != h.Queue || !reflect.DeepEqual(got.Meta, h.Meta) || !bytes.Equal(got.Read, h.Read) {
			t.Errorf("sent %+v, got %+v, %v", h, got, err)
		}
	}
	for _, bad := range []string{"", "\x04", "\xff", "\x02", "\x02\x05{}", "\x02\x02{[", "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00"} {
		if _, err := ParseHandback([]byte(bad)); !isProtocol(err) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if n, err := ParseTaken(TakenFrame(17).Payload); n != 17 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := ParseTaken([]byte("123")); !isProtocol(err) {
		t.Errorf("got %v", err)
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := range kinds {
		name := k.String()
		if name == "" || seen[name] {
			t.Errorf("%d is called %q", k, name)
		}
		seen[name] = true
	}
	if got := KindReply.String() + Kind(99).String(); got != "ReplyKind(99)" {
		t.Error(got)
	}
}

func TestMessagesOfErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		&VersionError{Ours: 1, Theirs: 2}:                     "the broker speaks version 2 of the protocol, and this program version 1",
		&VersionError{Message: "no"}:                          "no",
		&PeerError{Peer{12, 1001}}:                            "process 12 of user 1001 is at the other end, who is another user",
		&FolderError{Folder: "/f", Reason: "it is a file"}:    "the broker's folder /f cannot be used: it is a file",
		&FolderError{Folder: "/f", Reason: "r", Err: ErrFull}: "the broker's folder /f cannot be used: r: " + ErrFull.Error(),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	if hint := (&VersionError{}).Hint(); !strings.Contains(hint, "gorun httpsys stop") {
		t.Error(hint)
	}
}

// What is parsed is printed as the same message again.
func FuzzHandback(f *testing.F) {
	f.Add([]byte("\x00\x00GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\x02\x02{}\x05queueGET"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHandback(b)
		if err != nil {
			if !isProtocol(err) {
				t.Error(err)
			}
			return
		}
		printed, err := h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseHandback(printed)
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Errorf("%q: %+v became %+v, %v", b, h, again, err)
		}
	})
}

// What was lost is told by a frame that no other is like, also when its descriptor was.
func TestLostFrame(t *testing.T) {
	t.Parallel()
	back, err := Handback{}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		f    Frame
		want bool
	}{
		{LostFrame(), true},
		{Frame{Kind: KindBack, FD: 7, Payload: back}, false},
		{Frame{Kind: KindBack, Lost: true, Payload: back}, false},
		{Frame{Kind: KindBack, Lost: true}, false},
		{Frame{Kind: KindBack, Payload: back}, false},
		{Frame{Kind: KindTaken}, false},
	} {
		if got := row.f.IsLost(); got != row.want {
			t.Errorf("%+v: %t", row.f, got)
		}
	}
}
