package certificates

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// A certificate that changed, in whatever way files are renewed, is shown to the next client a second later, and not before.
func TestReload(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(t *testing.T, f *folder, p *pair){
		"written over": func(t *testing.T, f *folder, p *pair) { f.write("real/x.pem", p.both(t)) },
		"renamed over": func(t *testing.T, f *folder, p *pair) {
			f.write("new", p.both(t))
			must(t, os.Rename(f.path("new"), f.path("real/x.pem")))
		},
		"a link to another file, as certbot does": func(t *testing.T, f *folder, p *pair) {
			f.write("y.pem", p.both(t))
			must(t, os.Remove(f.path("x.pem")))
			link(t, f.path("y.pem"), f.path("x.pem"))
		},
		"a link to another folder, as Kubernetes does": func(t *testing.T, f *folder, p *pair) {
			must(t, os.Mkdir(f.path("other"), 0o700))
			f.write("other/x.pem", p.both(t))
			link(t, "other", f.path("data-new"))
			must(t, os.Rename(f.path("data-new"), f.path("data")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.HasPrefix(name, "a link") {
				t.Skip("links are made by administrators here")
			}
			f := newFolder(t)
			must(t, os.Mkdir(f.path("real"), 0o700))
			f.write("real/x.pem", issue(t, "old", newKey(t), nil, nil).both(t))
			path := "real/x.pem"
			if strings.HasPrefix(name, "a link") {
				link(t, "real", f.path("data"))
				link(t, "data/x.pem", f.path("x.pem"))
				path = "x.pem"
			}
			c, err := f.config(Source{Path: path})
			must(t, err)
			f.later(10 * time.Second)
			if got := shown(t, c, "x"); got != "old" {
				t.Errorf("at first it shows %s", got)
			}
			renew(t, f, issue(t, "new", newKey(t), nil, nil))
			f.later(pace - 1)
			if got := shown(t, c, "x"); got != "old" {
				t.Errorf("it was looked at twice in a second, and shows %s", got)
			}
			f.later(1)
			if got := shown(t, c, "x"); got != "new" {
				t.Errorf("a second later it shows %s", got)
			}
			if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "the certificate was renewed") {
				t.Errorf("logged %q", log)
			}
		})
	}
}

// A file with the size and the time of the old one is a new one where it is another file, or where the old one was so young that
// its time proves nothing.
func TestReloadSameStamp(t *testing.T) {
	t.Parallel()
	for name, young := range map[string]bool{"another file": false, "the same file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			when := f.now()
			write := func(file, name string) {
				data := issue(t, name, newKey(t), nil, nil).both(t)
				f.write(file, append(data, strings.Repeat("\n", 4000-len(data))...))
				must(t, os.Chtimes(f.path(file), when, when))
			}
			write("x.pem", "old")
			c, err := f.config(Source{Path: "x.pem"})
			must(t, err)
			if young {
				write("x.pem", "new")
			} else {
				f.later(time.Minute)
				shown(t, c, "x") // it has proved itself
				write("y.pem", "new")
				must(t, os.Rename(f.path("y.pem"), f.path("x.pem")))
			}
			f.later(pace)
			if got := shown(t, c, "x"); got != "new" {
				t.Errorf("it shows %s", got)
			}
		})
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	must(t, os.Symlink(to, at))
}

// What cannot be used leaves the old certificate in place, is told once, and is taken when it has become whole.
func TestReloadBroken(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := issue(t, "old", newKey(t), nil, nil)
	f.write("cert.pem", p.certPEM())
	f.write("key.pem", p.keyPEM(t))
	c, err := f.config(Source{Path: "cert.pem", KeyPath: "key.pem"})
	must(t, err)
	fresh := issue(t, "new", newKey(t), nil, nil)
	for _, step := range []struct {
		name string
		do   func()
		want string
		told string // "" nothing, or a part of it
	}{
		{"half written", func() { f.write("cert.pem", fresh.certPEM()[:200]) }, "old", "holds no certificate"},
		{"still so", func() {}, "old", ""},
		{"empty", func() { f.write("cert.pem", nil) }, "old", ""},
		{"the certificate is renewed, its key is not", func() { f.write("cert.pem", fresh.certPEM()) }, "old", "does not belong"},
		{"still so", func() {}, "old", ""},
		{"both are", func() { f.write("key.pem", fresh.keyPEM(t)) }, "new", "was renewed"},
		{"written again", func() { f.write("key.pem", fresh.keyPEM(t)) }, "new", ""},
		{"deleted", func() { must(t, os.Remove(f.path("cert.pem"))) }, "new", "cannot be read"},
		{"still so", func() {}, "new", ""},
		{"back again", func() { f.write("cert.pem", fresh.certPEM()) }, "new", ""},
		{"deleted again", func() { must(t, os.Remove(f.path("cert.pem"))) }, "new", "cannot be read"},
		{"the old one returns", func() { f.write("cert.pem", p.certPEM()); f.write("key.pem", p.keyPEM(t)) }, "old", "was renewed"},
	} {
		step.do()
		f.later(2 * pace)
		if got := shown(t, c, "x"); got != step.want {
			t.Errorf("%s: it shows %s, want %s", step.name, got, step.want)
		}
		log := f.logged()
		if (log == "") != (step.told == "") || !strings.Contains(log, step.told) || strings.Count(log, "\n") > 1 {
			t.Errorf("%s: logged %q", step.name, log)
		}
	}
}

// While one handshake reads, the others take the old certificate without waiting; a failing disk is asked once a second.
func TestReloadDoesNotBlock(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	old, fresh := issue(t, "old", newKey(t), nil, nil).tls(), issue(t, "new", newKey(t), nil, nil).tls()
	reading, goOn := make(chan struct{}), make(chan struct{})
	reads := 0
	h := &holder{now: f.now, log: slog.New(slog.NewTextHandler(f, nil)), read: func() (*tls.Certificate, []string, error) {
		reads++ // by one goroutine at a time, which -race checks
		if reads == 1 {
			return &old, []string{f.path("none")}, nil
		}
		if reads > 2 {
			return nil, []string{f.path("none")}, errors.New("no")
		}
		close(reading)
		<-goOn
		return &fresh, []string{f.path("none")}, nil
	}}
	must(t, h.load())
	f.later(pace)
	got := make(chan *tls.Certificate)
	go func() { got <- h.get() }()
	<-reading
	f.later(10 * pace) // it takes long
	for range 100 {
		if h.get() != &old {
			t.Fatal("another handshake waits, or gets what is not there yet")
		}
	}
	close(goOn)
	if <-got != &fresh || h.get() != &fresh {
		t.Error("the new one is not taken")
	}
	for range 3 {
		f.later(pace)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if h.get() != &fresh {
					t.Error("the certificate got lost")
				}
			})
		}
		all.Wait()
	}
	if reads != 5 {
		t.Errorf("it was read %d times", reads)
	}
}

// A development certificate that was made anew is taken, too.
func TestReloadDevelopment(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	current := issue(t, "old", newKey(t), nil, nil).tls()
	f.write("localhost.pem", nil)
	asked := 0
	o := f.options()
	o.Development = func(again bool) (tls.Certificate, string, error) {
		if again != (asked > 0) {
			t.Errorf("call %d, again %v", asked, again)
		}
		asked++
		return current, f.path("localhost.pem"), nil
	}
	c, err := Config(Endpoint{}, o)
	must(t, err)
	f.later(time.Minute)
	if got := shown(t, c, "x"); got != "old" {
		t.Error(got)
	}
	f.later(time.Minute)
	shown(t, c, "x")
	before := asked
	f.later(time.Minute)
	shown(t, c, "x")
	if asked != before {
		t.Error("it was asked for again, and nothing had changed")
	}
	current = issue(t, "new", newKey(t), nil, nil).tls()
	f.write("localhost.pem", []byte("anything"))
	f.later(time.Minute)
	if got := shown(t, c, "x"); got != "new" {
		t.Error(got)
	}
}

// Connections that come while the files change all get one of the two certificates.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	pairs := []*pair{issue(t, "a", newKey(t), nil, nil), issue(t, "b", newKey(t), nil, nil)}
	f.write("x.pem", pairs[0].both(t))
	c, err := f.config(Source{Path: "x.pem"})
	must(t, err)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if got := shown(t, c, "x"); got != "a" && got != "b" {
					t.Errorf("a client sees %q", got)
				}
			}
		})
	}
	for i := range 20 {
		f.write("x.pem", pairs[i%2].both(t)) // not at once: half of it may be read
		f.later(2 * pace)
	}
	all.Wait()
	f.later(2 * pace)
	if got := shown(t, c, "x"); got != "b" {
		t.Errorf("in the end it shows %q", got)
	}
}
