package serve_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n"

// taking is a handler that hijacks; then takes over.
func taking(then func(n *notes, c net.Conn, rw *bufio.ReadWriter)) handler {
	return func(n *notes, w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			n.got("hijack", err)
			return
		}
		defer c.Close()
		then(n, c, rw)
	}
}

// speak is a small protocol: lines go back until one says bye.
func speak(n *notes, c net.Conn, rw *bufio.ReadWriter) {
	io.WriteString(rw, switching)
	for {
		n.got("flush", rw.Flush())
		line, err := rw.ReadString('\n')
		n.note("heard %q, %s", line, kind(err))
		if err != nil || line == "bye\n" {
			return
		}
		io.WriteString(rw, "you said "+line)
	}
}

// hijacks are connections that a handler takes.
func hijacks() []promise {
	upgrade := request("GET", "Connection: Upgrade", "Upgrade: own")
	talk := func(p *peer) {
		p.until("\r\n\r\n")
		p.send("one\n")
		p.until("you said one\n")
		p.send("two\nbye\n")
		p.rest()
	}
	return []promise{
		{name: "hijack: upgrade", handler: taking(speak), play: func(p *peer) {
			p.send(upgrade)
			talk(p)
		}, has: []string{"HTTP/1.1 101", "you said two"}},
		{name: "hijack: upgrade in 1.0", handler: taking(speak), play: func(p *peer) {
			p.send(old("GET", "Connection: Upgrade", "Upgrade: own"))
			talk(p)
		}},
		{name: "hijack: upgrade after another request", calls: 2, play: func(p *peer) {
			p.ask(requestFor("GET", "/first"))
			p.send(upgrade)
			p.until("Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n")
			p.send("bye\n")
			p.rest()
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/first" {
				taking(speak)(n, w, r)
			}
		}},
		{name: "hijack: what came early is buffered", handler: taking(speak), play: func(p *peer) {
			p.send(upgrade + "one\nbye\n")
			p.rest()
		}, has: []string{"you said one", `heard "bye\n"`}},
		{name: "hijack: much that came early", play: func(p *peer) {
			go p.send(upgrade + pattern(20_000) + "\nbye\n")
			p.rest()
		}, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			line, err := rw.ReadString('\n')
			n.note("heard %d, %s", len(line), kind(err))
			line, err = rw.ReadString('\n')
			n.note("heard %q, %s", line, kind(err))
		})},
		{name: "hijack: what came during the handler", play: func(p *peer) {
			p.send(upgrade)
			p.n.await("running")
			p.send("bye\n")
			p.n.open("sent")
			p.rest()
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.open("running")
			n.await("sent")
			taking(speak)(n, w, r)
		}},
		{name: "hijack: upgrade with a body read", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.read(r.Body)
			taking(speak)(n, w, r)
		}, play: func(p *peer) {
			p.send(post("hello", "Connection: Upgrade", "Upgrade: own"))
			talk(p)
		}},
		{name: "hijack: written by the connection", handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			n.wrote(io.WriteString(c, "raw\n"))
			n.wrote(io.WriteString(rw, "buffered\n"))
			n.got("flush", rw.Flush())
		}), play: func(p *peer) {
			p.send(upgrade)
			p.rest()
		}},
		{name: "hijack: read by the connection", play: func(p *peer) {
			p.send(upgrade)
			p.until("go")
			p.send("hello")
			p.rest()
		}, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			io.WriteString(c, "go")
			b := make([]byte, 5)
			_, err := io.ReadFull(c, b)
			n.note("heard %q, %s", b, kind(err))
		})},
		{name: "hijack: the end of the client", play: func(p *peer) {
			p.send(upgrade)
			p.until("\r\n\r\n")
			p.closeWrite()
			p.rest()
		}, handler: taking(speak)},
		{name: "hijack: goes on after the handler", play: func(p *peer) {
			p.send(upgrade)
			p.n.returned(1)
			p.n.ended <- struct{}{}
			p.n.open("returned")
			talk(p)
			p.n.await("over")
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			n.got("hijack", err)
			go func() {
				defer n.open("over")
				defer c.Close()
				n.await("returned")
				speak(n, c, rw)
			}()
		}},
		{name: "hijack: large copies both ways", play: func(p *peer) {
			go p.send(upgrade + pattern(300_000))
			p.until("end")
			p.rest()
		}, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			k, err := io.CopyN(c, rw, 300_000)
			n.note("copied %d, %s", k, kind(err))
			io.WriteString(c, "end")
		})},
	}
}
