//go:build linux || darwin

package broker

import (
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// arrived looks at a connection that nobody else has, and gives it away.
func (b *Broker) arrived(v *visit, r *reader) { b.pursue(v, b.decide(v, r, false)) }

// pursue gives a connection away, as was decided.
func (b *Broker) pursue(v *visit, d decision) {
	if d.what == wait {
		b.heads.later(v)
	} else {
		b.act(v, d)
	}
}

// act does what was decided, and gives v away by that.
func (b *Broker) act(v *visit, d decision) {
	v.isHead = d.isHead
	switch d.what {
	case give, giveTLS:
		b.give(d.queue, v)
	case refuse:
		b.refuse(v, d.answer)
	case terminate:
		b.terminate(v, d.hello)
	default:
		v.end()
	}
}

// give hands the connection to a worker of the queue, has it wait in line, or refuses it as the queue's verbosity says.
func (b *Broker) give(q *queue, v *visit) {
	ok, first, why := q.put(v)
	if !ok {
		b.unavailable(q, v, why)
	} else if first {
		b.hasLine()
	}
}

// unavailable is HTTP.sys' 503.
func (b *Broker) unavailable(q *queue, v *visit, why answer) {
	why, told := why.with(q.verbosity)
	if !told {
		b.counts.queue.Add(1)
		v.reset()
		return
	}
	b.refuse(v, why)
}

// refuse answers and ends the connection.
func (b *Broker) refuse(v *visit, a answer) {
	b.counts.count(a)
	b.log.Debug("HTTP.sys: refused", "status", a.status, "reason", a.text)
	if v.encrypted && a.ready == nil { // nobody there understands HTTP
		v.reset()
		return
	}
	v.tell(a.bytes(v.isHead))
	b.heads.finish(v)
}

// slow ends a connection whose head has not come.
func (b *Broker) slow(v *visit) {
	b.counts.slow.Add(1)
	if !v.begun || v.encrypted {
		v.end()
		return
	}
	v.tell(serve.HeadTimeout.Answer(serverHeader))
	b.heads.finish(v)
}

// again finds somebody else for connections that their queue's worker has not taken.
func (b *Broker) again(q *queue, back []*visit, gone bool) {
	if len(back) == 0 {
		return
	}
	r := newReader()
	for _, v := range back {
		v.tries++
		switch {
		case v.tries > maxTries:
			b.unavailable(q, v, noWorker)
		case !gone:
			b.give(q, v)
		default:
			b.rematch(q, v, r)
		}
	}
}

// rematch is for those whose queue has gone. That there is no other is 503, for there was one when they came.
func (b *Broker) rematch(q *queue, v *visit, r *reader) {
	d := b.decide(v, r, false)
	switch d.what {
	case give, giveTLS, terminate:
		b.act(v, d)
	case gone:
		v.end()
	default:
		b.unavailable(q, v, noWorker)
	}
}

// tidy ends those who have waited too long in a queue's line, and says whether others wait. Workers that are stuck are cut off.
func (b *Broker) tidy(q *queue, now time.Time) (wait bool) {
	over, stuck, wait := q.impatient(now)
	for _, m := range stuck {
		b.log.Warn("HTTP.sys: a program does not take its connections, and is cut off", "pid", m.conn.Peer().PID, "program", m.hello.Program)
		b.cut(m)
	}
	for _, v := range over {
		b.unavailable(q, v, noPatient)
	}
	return wait
}
