//go:build linux || darwin

package broker

// room makes room for one more, and gives the one that had to go for it, or nil.
func (h *heads) room() *visit {
	if h.waiting.n+h.ending.n < h.most {
		return nil
	}
	for _, list := range []*visits{&h.ending, &h.waiting} {
		for v := list.oldest; v != nil; v = v.next {
			if !v.busy {
				h.shed++
				h.poller.remove(v.fd)
				h.forget(v)
				return v
			}
		}
	}
	return nil
}

// isForNobody reports whether v is to be closed: it waits for a first byte at a port that is nobody's.
func (h *heads) isForNobody(v *visit) bool {
	return !v.begun && v.meta == nil && !h.broker.routes.Load().hasPort(v.address().Port())
}

// sweep ends those that wait at ports that nobody has registered for any more, as a server does that stops. It is called after the
// routes have changed and the port's listeners are closed, so that whoever comes to later afterwards is ended there.
func (h *heads) sweep() {
	h.mu.Lock()
	var gone []*visit
	for v := h.waiting.oldest; v != nil; v = v.next {
		if !v.busy && h.isForNobody(v) { // look sees to those who are
			gone = append(gone, v)
		}
	}
	for _, v := range gone {
		h.poller.remove(v.fd)
		h.forget(v)
	}
	h.mu.Unlock()
	for _, v := range gone {
		v.end()
	}
}

// relieve ends the oldest ones, a quarter, because descriptors have run out, and says how many.
func (h *heads) relieve() (n int) {
	h.mu.Lock()
	most := h.most
	h.most = (h.waiting.n+h.ending.n)*3/4 + 1
	var gone []*visit
	for v := h.room(); v != nil; v = h.room() {
		gone = append(gone, v)
	}
	h.most = most
	h.mu.Unlock()
	for _, v := range gone {
		v.end()
	}
	return len(gone)
}

// gone says how many had to go for others.
func (h *heads) gone() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shed
}
