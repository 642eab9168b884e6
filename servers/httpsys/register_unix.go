//go:build unix

package httpsys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// register opens the queue and adds the prefixes.
func (c *client) register(ctx context.Context, s *session, again bool) error {
	list := c.list()
	mode := c.server.Options.RequestQueueMode
	var err error
	switch {
	case again && c.server.Options.RequestQueueName != "": // whoever is back first makes it
		err = c.openQueue(ctx, s, CreateOrAttach)
	case mode == CreateOrAttach && len(forQueue(slices.Clone(list), false)) < len(list):
		var created bool
		created, err = c.findQueue(ctx, s)
		list = forQueue(list, created)
	default:
		err = c.openQueue(ctx, s, mode)
	}
	if err != nil {
		return err
	}
	if len(list) > 0 {
		if err := addAll(ctx, s, list); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.registered, c.whole = list, true
	c.mu.Unlock()
	c.refresh()
	return nil
}

func (c *client) openQueue(ctx context.Context, s *session, mode Mode) error {
	o := c.server.Options
	return s.ask(ctx, wire.KindOpen, wire.Open{
		Queue: o.RequestQueueName, Mode: wire.Mode(mode.String()), Limit: int(min(o.QueueLimit(), 1<<30)),
		Verbosity:    wire.Verbosity(o.Http503Verbosity.String()),
		QueueTimeout: milliseconds(cmp.Or(o.Timeouts.RequestQueue, DefaultTimeout)), MaxConnections: o.MaxConnections,
	}, nil)
}

// findQueue is CreateOrAttach for who must know which of the two it was. Others may make and leave the queue meanwhile, but not for
// ever.
func (c *client) findQueue(ctx context.Context, s *session) (created bool, err error) {
	for range 10 {
		if err = c.openQueue(ctx, s, Attach); !isCode(err, wire.CodeQueueMissing) {
			return false, err
		}
		if err = c.openQueue(ctx, s, Create); !isCode(err, wire.CodeQueueExists) {
			return err == nil, err
		}
	}
	return false, err
}

func isCode(err error, code wire.Code) bool {
	said, ok := errors.AsType[*wire.Error](err)
	return ok && said.Code == code
}

// milliseconds is what the broker is told: a part of one is one, and no limit is a hundred years.
func milliseconds(d time.Duration) int64 {
	if d < 0 {
		d = 100 * 365 * 24 * time.Hour
	}
	return max(int64(d/time.Millisecond), 1)
}

// addAll registers all prefixes at once, so that no table has only a part of them, and sets them in list. When one of them is refused
// none is registered: then each is asked for by itself, so that all that are wrong can be told.
func addAll(ctx context.Context, s *session, list []registration) error {
	prefixes := make([]urlprefix.Prefix, len(list))
	for i, r := range list {
		prefixes[i] = r.prefix
	}
	added, err := add(ctx, s, prefixes...)
	if err == nil {
		for i := range list {
			list[i].prefix = added[i]
		}
		return nil
	}
	if _, refused := errors.AsType[*refusal](err); !refused {
		return err
	}
	var errs []error
	for i, r := range list {
		one, err := add(ctx, s, r.prefix)
		if err != nil {
			errs = append(errs, &RegistrationError{URL: r.URL, Source: r.Source, Err: err})
			continue
		}
		list[i].prefix = one[0]
	}
	return errors.Join(errs...)
}

// add registers prefixes, all or none, and gives them as they are now.
func add(ctx context.Context, s *session, all ...urlprefix.Prefix) ([]urlprefix.Prefix, error) {
	var ask wire.Add
	for _, p := range all {
		ask.Prefixes = append(ask.Prefixes, p.String())
	}
	var added wire.Added
	if err := s.ask(ctx, wire.KindAdd, ask, &added); err != nil {
		return nil, asReason(err)
	}
	if len(added.Prefixes) != len(all) {
		return nil, &wire.ProtocolError{Reason: "it registers another number of prefixes than it was asked for"}
	}
	for i, text := range added.Prefixes {
		p, err := urlprefix.Parse(text)
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	return all, nil
}

// refusal is what a broker says, which errors.Is finds by what it means.
type refusal struct {
	said *wire.Error
	is   error
}

func (e *refusal) Error() string        { return e.said.Error() }
func (e *refusal) Hint() string         { return e.said.Hint() }
func (e *refusal) Is(target error) bool { return target == e.is }
func (e *refusal) Unwrap() error        { return e.said }

func asReason(err error) error {
	said, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return err
	}
	reasons := map[wire.Code]error{wire.CodeExists: ErrExists, wire.CodeReserved: ErrReserved, wire.CodePort: ErrPort}
	return &refusal{said, reasons[said.Code]}
}
