package serve

import "sync"

// space gives room to read into behind what is there. An empty buffer is used again from its beginning.
func (c *conn) space() []byte {
	switch free := cap(c.in) - len(c.in); {
	case len(c.in) == 0 && c.buffer != nil:
		c.in = c.buffer[:0]
	case len(c.in) == 0:
		c.buffer = buffers.Get().(*[watched]byte)[:]
		c.in = c.buffer[:0]
	case free < 512:
		old := c.buffer
		c.buffer = make([]byte, max(2*len(c.in), watched))
		c.in = c.buffer[:copy(c.buffer, c.in)]
		if len(old) == watched {
			buffers.Put((*[watched]byte)(old))
		}
	}
	return c.in[len(c.in):cap(c.in)]
}

// dropBuffers is called when nothing is read or written and nothing of it is in use.
func (c *conn) dropBuffers() {
	c.dropIn()
	c.dropOut()
}

// dropIn is called when all that was read has been used.
func (c *conn) dropIn() {
	if len(c.buffer) == watched {
		buffers.Put((*[watched]byte)(c.buffer))
	}
	c.buffer, c.in = nil, nil
}

// dropOut is called when a response has been sent: many connections wait for their next request.
func (c *conn) dropOut() {
	if cap(c.out) == outBuffer {
		outBuffers.Put((*[outBuffer]byte)(c.out[:outBuffer]))
	}
	c.out = nil
}

// outBuffer is how much of a response is put together before it is sent.
const outBuffer = 4 << 10

var (
	buffers    = sync.Pool{New: func() any { return new([watched]byte) }}
	outBuffers = sync.Pool{New: func() any { return new([outBuffer]byte) }}
)
