package broker

// The seam between the parts of this package. visit, queue and Broker are the core's; hello, Store and what ends TLS are TLS's.
//
// The core calls, from the goroutine that accepts, so that none of it may wait:
//
//	parseHello(b []byte) (h hello, want int, err error)           // hello.go
//	(e *helloError) record() []byte                               // the alert to send before closing; nil: none
//	(b *Broker) terminate(v *visit, h hello)                      // becomes v's owner, and serves it on goroutines of its own, counted in b.serving
//
// and from the goroutine that owns the state:
//
//	(s *Store) allows(p urlprefix.Prefix, uid int) error          // nil, or the reservation that is in the way (an error with Hint)
//	(s *Store) certificates(all []urlprefix.Prefix) []wire.Certificate // what a worker with these prefixes needs; PEM and all
//	(s *Store) reload() error
//	(s *Store) describe(state *wire.State)                        // Certificates and Reservations for show; no keys
//
// A nil *Store is one without reservations and certificates; its methods may be called.
//
// TLS calls, from any goroutine:
//
//	(b *Broker) match(scheme string, host, path []byte, local netip.AddrPort) (*queue, urlprefix.Result)
//	(b *Broker) only(scheme, host string, local netip.AddrPort) (*queue, bool) // the one queue that owns all of the host there
//	(b *Broker) give(q *queue, v *visit)                          // hands over; or waits in the queue; or refuses as the queue's verbosity says
//	(b *Broker) refuse(v *visit, a answer)                        // noPath, noHost and the end
//	(v *visit) conn() (net.Conn, error)                           // the connection as a net.Conn, on which nothing was read; v is used up, also by an error
//	(v *visit) address() netip.AddrPort                           // where the client has connected to
//	described(fd int, meta *wire.Meta) *visit                     // one end of a socketpair, given away; it speaks plain HTTP/1.1
//	b.ctx                                                         // done when the broker ends; b.serving (sync.WaitGroup) is waited for
//	b.options.Store, b.log
//
// A described visit that is refused gets the answer's bytes, or with Basic its end without an answer, like every other.
// terminate is called for every TLS connection at a port with https prefixes whose host does not belong to one queue alone: also
// for hosts that nobody has registered (decision 400 per request, by match).
