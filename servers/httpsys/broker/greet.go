//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// greet exchanges Hello and Welcome.
func (m *member) greet() error {
	f, err := m.receive()
	if err != nil {
		return err
	}
	if f.Kind != wire.KindHello {
		return errors.New("it does not say hello")
	}
	if err := f.Decode(&m.hello); err != nil {
		return err
	}
	if m.hello.Protocol != wire.Version {
		err := &wire.VersionError{Ours: m.hello.Protocol, Theirs: wire.Version}
		m.reply(max(f.ID, 1), nil, &wire.Error{Code: wire.CodeProtocol, Message: m.mismatch(), Advice: err.Hint()})
		return errors.Join(err, m.mayStop())
	}
	if err := m.broker.join(m); err != nil {
		m.reply(max(f.ID, 1), nil, err)
		return err
	}
	m.send(wire.KindWelcome, f.ID, wire.Welcome{Protocol: wire.Version, Version: m.broker.options.Version, PID: m.broker.pid})
	return nil
}

// receive waits for a frame of somebody who is nobody yet, and not for long.
func (m *member) receive() (wire.Frame, error) {
	defer time.AfterFunc(helloTimeout, func() { m.broker.cut(m) }).Stop()
	f, err := m.conn.Receive()
	f.Close()
	return f, err
}

// mayStop is for who speaks another version: it may have the broker end, which is what its user is advised to do.
func (m *member) mayStop() error {
	f, err := m.receive()
	if err == nil && f.Kind == wire.KindStop {
		m.reply(f.ID, nil, nil)
		m.broker.stop()
	}
	return err
}

// mismatch says that broker and program are of versions that cannot talk.
func (m *member) mismatch() string {
	return fmt.Sprintf("the broker (gorun %s) speaks version %d of the protocol, and this program (%s) version %d",
		m.broker.options.Version, wire.Version, m.hello.Version, m.hello.Protocol)
}
