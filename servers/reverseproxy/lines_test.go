package reverseproxy

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind      Kind
		raw, want string
	}{
		{Nginx, `2026/11/21 20:33:57 [error] 4312#4312: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: , request: "GET /orders?id=1 HTTP/1.1", upstream: "http://127.0.0.1:5001/orders?id=1", host: "localhost:5000"`,
			"nginx: the app at 127.0.0.1:5001 does not answer: connect() failed (111: Connection refused) (GET /orders)"},
		{Nginx, `2026/11/21 20:33:57 [crit] 1#1: *7 connect() to unix:/run/app.sock failed (2: No such file or directory) while connecting to upstream, client: ::1, server: , request: "GET / HTTP/2.0", upstream: "http://unix:/run/app.sock:/", host: "x"`,
			"nginx: the app at /run/app.sock does not answer: connect() to unix:/run/app.sock failed (2: No such file or directory) (GET /)"},
		{Nginx, `2026/11/21 20:33:57 [error] 1#1: *7 upstream prematurely closed connection while reading response header from upstream, client: ::1, server: , request: "POST / HTTP/1.1", upstream: "http://127.0.0.1:5001/"`,
			"nginx: the app at 127.0.0.1:5001 closed the connection without an answer (POST /)"},
		{Nginx, `2026/11/21 20:33:57 [error] 1#1: *7 upstream timed out (110: Connection timed out) while reading response header from upstream, client: ::1, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:5001/"`,
			"nginx: the app at 127.0.0.1:5001 gave no answer in time (GET /)"},
		{Nginx, `2026/11/21 20:33:57 [alert] 12#12: worker process 13 exited on signal 11`, "nginx: alert: worker process 13 exited on signal 11"},
		{Nginx, `nginx: [emerg] bind() to 127.0.0.1:80 failed (13: Permission denied)`, "nginx: emerg: bind() to 127.0.0.1:80 failed (13: Permission denied)"},
		{Nginx, `nginx: [alert] could not open error log file: open() "/var/log/nginx/error.log" failed (13: Permission denied)`, ""},
		{Nginx, "something [else] altogether", "nginx: something [else] altogether"},
		{Nginx, "", ""},
		{Apache, "[error] [(111)Connection refused] AH00957: http: attempt to connect to 127.0.0.1:5001 (127.0.0.1:5001) failed",
			"apache: the app at 127.0.0.1:5001 does not answer: Connection refused"},
		{Apache, "[error] [(2)No such file or directory] AH02454: http: attempt to connect to Unix domain socket /run/app.sock (localhost:80) failed",
			"apache: the app at /run/app.sock does not answer: No such file or directory"},
		{Apache, "[error] [-] AH01114: HTTP: failed to make connection to backend: 127.0.0.1", ""},
		{Apache, "[error] [(104)Connection reset by peer] AH01102: error reading status line from remote server 127.0.0.1:5001",
			"apache: the app closed the connection without an answer"},
		{Apache, "[notice] [-] AH00489: Apache/2.4.71 (Debian) configured -- resuming normal operations", ""},
		{Apache, "[notice] [-] AH00052: child pid 13 exit signal Segmentation fault (11)", "apache: notice: AH00052: child pid 13 exit signal Segmentation fault (11)"},
		{Apache, "no log at all", "apache: no log at all"},
	} {
		var out bytes.Buffer
		l := &lines{dialect: dialects[test.kind], out: &out, open: true}
		l.add(test.raw, time.Now())
		if got := strings.TrimSuffix(out.String(), "\n"); got != test.want {
			t.Errorf("%s\ngot  %q\nwant %q", test.raw, got, test.want)
		}
	}
}

func TestLinesTellFailuresSeldom(t *testing.T) {
	t.Parallel()
	const failure = "[error] [(111)Connection refused] AH00957: http: attempt to connect to 127.0.0.1:5001 (127.0.0.1:5001) failed"
	var out bytes.Buffer
	l := &lines{dialect: apache{}, out: &out}
	now := time.Now()
	for range 100 { // before it is open, lines are only kept
		l.add("[warn] [-] AH00001: early", now)
	}
	if out.Len() > 0 || len(l.last()) != keptLines {
		t.Fatalf("%d lines are kept, and told is %q", len(l.last()), &out)
	}
	l.tail = nil
	l.start()
	l.add(failure, now)
	l.add(failure, now.Add(quietTime/2))
	l.add("[warn] [-] AH00001: other", now.Add(quietTime/2))
	l.add(failure, now.Add(quietTime))
	if got := strings.Count(out.String(), "does not answer"); got != 2 || strings.Count(out.String(), "other") != 1 {
		t.Errorf("told %d times:\n%s", got, &out)
	}
}

// FuzzLines shows that no line, of whatever program, brings the reader down or makes more than one line.
func FuzzLines(f *testing.F) {
	f.Add(`2026/11/21 20:33:57 [error] 4312#4312: *1 connect() failed while connecting to upstream, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:5001/"`)
	f.Add("[error] [(111)Connection refused] AH00957: http: attempt to connect to 127.0.0.1:5001 (127.0.0.1:5001) failed")
	f.Add("nginx: [emerg] unknown directive \"x\" in /folder/conf:12")
	f.Add("AH00526: Syntax error on line 5 of /folder/conf:")
	f.Fuzz(func(t *testing.T, text string) {
		for kind, dialect := range dialects {
			var out bytes.Buffer
			l := &lines{dialect: dialect, out: &out, open: true}
			l.read(strings.NewReader(text))
			for line := range strings.Lines(out.String()) {
				if !strings.HasPrefix(line, string(kind)+": ") {
					t.Errorf("%q has no name", line)
				}
			}
			if line, _ := dialect.place(l.last(), "/folder/conf"); line < 0 {
				t.Errorf("line %d", line)
			}
		}
	})
}
