package handover

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// Looking for whether the app accepts begins with the first pause and slows down to the last.
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// InProcess is the hosting of one process that gets the sockets: a backend.Hosting. Its methods are called one after the
// other.
//
// A goroutine listens to what the process tells through NOTIFY_SOCKET, from Ready to Close or the next Prepare.
type InProcess struct {
	sockets *Sockets
	tree    atomic.Pointer[process.Tree] // of the last attempt; nil before it has started
	queues  []int                        // those that were seen last

	starting bool // the sockets are needed until it has become ready, or failed to

	notify    *backend.NotifySocket // nil where there is none
	listening sync.WaitGroup
}

// Hosting gives the hosting for one process more. It is to be closed when nothing of the process is left.
func (s *Sockets) Hosting() *InProcess { return &InProcess{sockets: s} }

// Prepare gives the process the sockets as descriptors from 3 on, before files that it is to have anyway, and what
// sd_listen_fds(3) and sd_notify(3) want in the environment. ASPNETCORE_PORT and ASPNETCORE_TOKEN are removed: there is no
// pairing (reference: servers.md, 2.1). The error is a *LostError, or net.ErrClosed when the sockets are closed.
func (h *InProcess) Prepare(spec *process.Spec) error {
	h.stopListening()
	h.tree.Store(nil)
	s := h.sockets
	s.started(h)
	if err := s.lend(h); err != nil {
		return err
	}
	h.queues = s.queues()
	spec.ExtraFiles = append(s.files(), spec.ExtraFiles...)
	spec.ListenPID = true
	spec.Env = append(without(spec.Env, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "GORUN_LISTEN_FDS", "GORUN_LISTEN_FDNAMES",
		"NOTIFY_SOCKET", pairing.PortVariable, pairing.TokenVariable),
		"LISTEN_FDS="+strconv.Itoa(len(s.list)), "LISTEN_FDNAMES="+s.names())
	if notify, err := backend.ListenNotify(); err == nil { // without it the queue tells
		h.notify = notify
		spec.Env = append(spec.Env, "NOTIFY_SOCKET="+notify.Name())
	}
	return nil
}

// without gives env without some variables.
func without(env []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
}

// Ready returns nil when a process of the tree has told READY=1, or when a connection that waited has been accepted: nobody but
// the app accepts. While a process of before still has the sockets, the connection must be found in the tree, where the
// system shows it (Linux).
//
// Where nothing is told for a while and nobody waits, as when the app is started before its first request, Ready connects
// itself. It is a *NotAcceptingError when ctx is done before, or ctx's cause when the process has ended.
func (h *InProcess) Ready(ctx context.Context, tree *process.Tree) error {
	defer h.sockets.started(h)
	h.tree.Store(tree)
	told := h.listen(tree)
	var own probes
	defer own.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(pause*5/4, lastPause) {
		shared := h.sockets.shared(h)
		if h.accepts(tree, shared) {
			return nil
		}
		if pause == lastPause && !h.sockets.frontAccepts() && (shared || h.waiting() == 0) {
			if index, ok := own.connect(h.sockets); ok && !shared {
				h.queues[index] = 1 // this is the one, and it waits from now on
			}
		}
		timer.Reset(pause)
		select {
		case <-told:
			return nil
		case <-ctx.Done():
			if h.ended() {
				return context.Cause(ctx)
			}
			// One that has accepted between two looks has requests to finish: it is ready, and has the time of such a process.
			if found, _ := h.sockets.hasConnection(tree.PIDs()); found {
				return nil
			}
			return &NotAcceptingError{h.waiting()}
		case <-timer.C:
		}
	}
}

// accepts reports whether the process has accepted a connection: a queue has become shorter, and who else could have done so
// has nothing to do with the sockets any more, or cannot be told from it. Of a queue from which the front accepts, too, nothing
// can be told.
func (h *InProcess) accepts(tree *process.Tree, shared bool) bool {
	shorter := false
	for i, length := range h.sockets.queues() {
		shorter = shorter || length < h.queues[i]
		h.queues[i] = length
	}
	front := h.sockets.frontAccepts() // asked after the queues: it has said so before it accepts
	if !shared && !front {
		return shorter
	}
	found, known := h.sockets.hasConnection(tree.PIDs())
	return found || shorter && !known && !front
}

// mostProbes is how many connections Ready makes at most. More than one is needed only while two processes accept.
const mostProbes = 64

// probes are connections that Ready has made. They stay open, so that who has accepted one still has it.
type probes []net.Conn

// connect makes one more, and tells to which socket.
func (p *probes) connect(s *Sockets) (index int, ok bool) {
	if len(*p) == mostProbes {
		return 0, false
	}
	conn, index, err := s.dial()
	if err != nil {
		return 0, false
	}
	*p = append(*p, conn)
	return index, true
}

func (p *probes) close() {
	for _, conn := range *p {
		conn.Close()
	}
}

// waiting is how many connections are known to wait.
func (h *InProcess) waiting() int {
	sum := 0
	for _, length := range h.queues {
		sum += length
	}
	return sum
}

// listen begins to listen to what the process tells. Something is in the channel when it is ready.
func (h *InProcess) listen(tree *process.Tree) <-chan struct{} {
	if h.notify == nil {
		return nil
	}
	notify, ready := h.notify, make(chan struct{}, 1)
	h.listening.Go(func() {
		for { // to the end, because a program waits that tells more than anybody takes
			notice, err := notify.Next()
			if err != nil {
				return
			}
			if !notice.Has("READY=1") || !notice.From(tree) {
				continue
			}
			select {
			case ready <- struct{}{}:
			default:
			}
		}
	})
	return ready
}

func (h *InProcess) stopListening() {
	if h.notify != nil {
		_ = h.notify.Close()
		h.listening.Wait()
		h.notify = nil
	}
}

// ended reports whether nothing of the process is left.
func (h *InProcess) ended() bool {
	tree := h.tree.Load()
	return tree != nil && len(tree.PIDs()) == 0
}

// Ask is always errors.ErrUnsupported: an app in-process is asked by a signal.
func (*InProcess) Ask(context.Context, *process.Tree) error { return errors.ErrUnsupported }

// Close ends what belongs to the process, when nothing of it is left or it was never started. It may be called twice.
func (h *InProcess) Close() error {
	h.stopListening()
	h.sockets.started(h)
	h.sockets.giveBack(h)
	return nil
}
