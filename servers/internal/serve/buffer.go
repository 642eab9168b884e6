package serve

import (
	"bytes"
	"sync"
)

// keep makes b, which lies in somebody else's buffer, the beginning of in.
func (c *conn) keep(b []byte) {
	c.in = c.in[:0]
	if len(b) > watched {
		c.buffer = bytes.Clone(b)
		c.in = c.buffer
		return
	}
	c.in = append(c.space()[:0], b...)
}

// space gives room to read into behind what is there. An empty buffer is used again from its beginning.
func (c *conn) space() []byte {
	switch free := cap(c.in) - len(c.in); {
	case len(c.in) == 0 && c.buffer != nil:
		c.in = c.buffer[:0]
	case len(c.in) == 0:
		c.buffer = buffers.Get().(*[watched]byte)[:]
		c.in = c.buffer[:0]
	case free < 512:
		c.buffer = make([]byte, max(2*len(c.in), watched))
		c.in = c.buffer[:copy(c.buffer, c.in)]
	}
	return c.in[len(c.in):cap(c.in)]
}

// dropBuffer is called when nothing is read and nothing of it is in use.
func (c *conn) dropBuffer() {
	if len(c.buffer) == watched {
		buffers.Put((*[watched]byte)(c.buffer))
	}
	c.buffer, c.in = nil, nil
}

var buffers = sync.Pool{New: func() any { return new([watched]byte) }}
