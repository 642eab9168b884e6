package serve

import "io"

// nextHead puts the next head into p, or as much of it as there is room for. An error ends the connection; where the client
// is to have an answer, it has had it.
func (c *conn) nextHead(p []byte) (int, error) {
	if err := c.finishRequest(); err != nil {
		return 0, err
	}
	first := !c.handed
	c.response.reset(c.core.limits.MinResponseDataRate)
	c.head.reset()
	if len(c.in) == 0 {
		c.dropBuffer() // an idle connection holds no memory
	}
	data := c.in
	direct := false // data is in p: no buffer of our own, and nothing to copy
	for waits := forRequest; ; {
		data = trimNewlines(data)
		end, f := c.head.parse(data, &c.core.limits, first)
		if f != nil {
			return 0, c.refuseHead(f)
		}
		if end > 0 {
			return c.deliver(p, data, end, direct)
		}
		if len(data) > 0 && string(data) != "\r" {
			waits = forHead
		}
		var err error
		if data, direct, err = c.moreOfHead(p, data, direct, waits); err != nil {
			return 0, c.ends(err, waits)
		}
	}
}

// moreOfHead reads more behind data: the first bytes straight into p, which mostly get a whole head and nothing else.
func (c *conn) moreOfHead(p, data []byte, direct bool, waits wait) (more []byte, inP bool, err error) {
	if len(data) == 0 {
		c.dropBuffer()
		n, err := c.fill(p, waits)
		return p[:n], true, orNil(n, err)
	}
	if direct {
		c.keep(data)
	} else {
		c.in = data
	}
	n, err := c.fill(c.space(), waits)
	c.in = c.in[:len(c.in)+n]
	return c.in, false, orNil(n, err)
}

// orNil leaves out an error that came with bytes: it comes again.
func orNil(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// trimNewlines removes empty lines before a request (RFC 9112, 2.2).
func trimNewlines(b []byte) []byte {
	for {
		switch {
		case len(b) > 0 && b[0] == '\n':
			b = b[1:]
		case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
			b = b[2:]
		default:
			return b
		}
	}
}

// ends says what the end of the connection, or of our patience, means where a request should come.
func (c *conn) ends(err error, waits wait) error {
	switch {
	case waits != forHead || err == errDismissed:
		return io.EOF // no request, or none that we begin: nothing to say
	case err == errOverdue:
		return c.refuseHead(faultHeadTimeout)
	case err == io.EOF:
		return c.refuseHead(bad("the connection ended inside a head"))
	}
	return err
}

// deliver hands the head data[:end] to net/http by way of p, and keeps the rest. In p it has already been read when
// direct is true.
func (c *conn) deliver(p, data []byte, end int, direct bool) (int, error) {
	head, rest := data[:end], data[end:]
	if f := c.request.begin(&c.head, head); f != nil {
		return 0, c.refuseHead(f)
	}
	plain := c.request.clean == nil && len(c.head.cuts) == 0 && !c.head.spaced
	if direct && len(rest) > 0 {
		c.keep(rest)
	} else if !direct {
		c.in = rest
	}
	if !plain {
		head = c.request.rewrite(&c.head, head)
	}
	n := copy(p, head)
	c.out = head[n:]
	c.handed = true
	c.body = nil
	if c.request.hasBody() {
		c.body = newBody(c)
	}
	return n, c.beginRequest()
}

// beginRequest fails when the server has begun to stop: then the request has never been seen.
func (c *conn) beginRequest() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dismissed {
		return io.EOF
	}
	c.busy = true
	c.waits = forNothing
	c.bodyOpen = c.body != nil
	c.bodySeen, c.bodyWait = int64(len(c.in)), 0 // what came with the head counts
	c.rate = c.core.limits.MinRequestBodyDataRate
	return nil
}

// dismiss makes a connection that has no request end itself; its own goroutine closes it.
func (c *conn) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed.Load():
		c.force() // it lingers
	case !c.busy:
		c.dismissed = true
		c.Conn.SetReadDeadline(past)
	}
}

// finishRequest ends the one before: what is left of its body is read and thrown away.
func (c *conn) finishRequest() error {
	if c.ended || c.handed && c.request.last {
		return io.EOF
	}
	if c.body != nil {
		if err := c.body.drain(); err != nil {
			return io.EOF
		}
		c.body = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	return nil
}
