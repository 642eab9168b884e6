package relay

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFastStray has an app that sends more than its response, after it has behaved well for long. Nobody is given that for a
// response, however soon the next request comes.
func TestFastStray(t *testing.T) {
	t.Parallel()
	const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	large := strings.Repeat("x", 2*smallBuffer) // read in pieces, of which none has more than the body
	for name, body := range map[string]string{"small": "body", "large": large} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFast(t, Options{Timeout: DefaultTimeout}, scripted(t, func(app *peer, head string) {
				if strings.HasPrefix(head, "GET /more ") {
					app.send(reply(body) + forged)
					return
				}
				app.send(reply("ok"))
			}), nil)
			client := f.client(t)
			for range 120 {
				client.send(strings.Repeat(get("/"), 10))
				for range 10 {
					client.want(200, "ok")
				}
			}
			for range 3 {
				client.send(get("/more") + get("/next"))
				client.want(200, body)
				client.want(200, "ok")
			}
		})
	}
}

// TestFastStrayBeforeLate has a front that was too slow to begin: its time has passed before it has looked at the connection, on which
// the app has said what nobody has asked for.
func TestFastStrayBeforeLate(t *testing.T) {
	t.Parallel()
	late, said := make(chan bool), make(chan bool)
	var first atomic.Bool
	target := rawApp(t, func(app *peer) {
		for head := app.head(); head != ""; head = app.head() {
			app.send(reply("ok"))
			if first.CompareAndSwap(false, true) {
				<-late
				app.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
				said <- true
			}
		}
	})
	f := serveFast(t, Options{Timeout: DefaultTimeout}, target, nil)
	client := f.client(t)
	late <- true
	<-said
	p := f.relay.pool(target)
	c := p.any(0)
	c.SetReadDeadline(time.Unix(1, 0))
	c.reads = time.Now().Add(patient)
	p.back(c, 0)
	client.send(get("/"))
	client.want(200, "ok")
	f.went(t, 1, 0)
}
