package subject

import (
	"strings"
	"testing"
)

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	a := NewAnnouncements("http", "https")
	write := func(text string) {
		if n, err := a.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	isReady := func() bool {
		select {
		case <-a.Ready():
			return true
		default:
			return false
		}
	}
	write("made a certificate\nNow listening on: http://127.0.0.1:80")
	write("80\nNow listening on: https://127.0.0.1:844")
	if isReady() {
		t.Error("ready before the last line is whole")
	}
	write("3\n")
	if !isReady() || a.URL("http") != "http://127.0.0.1:8080" || a.URL("https") != "https://127.0.0.1:8443" {
		t.Errorf("got %v", a.urls)
	}
	write(strings.Repeat("noise\n", 10_000))
	if got := len(a.Text()); got > 8<<10 {
		t.Errorf("%d bytes are kept", got)
	}
}

// TestGorunAnnounces has the line be found behind gorun's name.
func TestGorunAnnounces(t *testing.T) {
	t.Parallel()
	a := NewAnnouncements("http")
	for _, text := range []string{"gorun: profile x\n", "gorun: Now listening on: http://[::1]:1\n"} {
		if _, err := a.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	<-a.Ready()
	if got := a.URL("http"); got != "http://[::1]:1" || a.URL("https") != "" {
		t.Errorf("got %q", got)
	}
}
