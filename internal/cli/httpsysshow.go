package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// brokerView is what `gorun httpsys show` tells. Its JSON is part of gorun's interface: docs/json.md.
type brokerView struct {
	Running    bool         `json:"running"`
	PID        int          `json:"pid,omitempty"`
	Version    string       `json:"version,omitempty"`
	Since      time.Time    `json:"since,omitzero"`
	Persistent bool         `json:"persistent,omitempty"` // it stays when nobody uses it
	Folder     string       `json:"folder"`
	Listeners  []string     `json:"listeners,omitempty"` // addresses
	Queues     []queueView  `json:"queues,omitempty"`
	Refused    *refusedView `json:"refused,omitempty"`
}

// refusedView counts what did not reach a program.
type refusedView struct {
	NoPath    uint64 `json:"noPath"`    // 404
	NoHost    uint64 `json:"noHost"`    // 400, Invalid Hostname
	Malformed uint64 `json:"malformed"` // 400 and others
	Queue     uint64 `json:"queue"`     // 503
	Slow      uint64 `json:"slow"`      // heads that did not come
	Shed      uint64 `json:"shed"`      // closed for want of descriptors
}

// queueView is a request queue.
type queueView struct {
	Name      string       `json:"name,omitempty"` // "" is one program's own
	Limit     int          `json:"limit"`
	Verbosity string       `json:"http503Verbosity"`
	Waiting   int          `json:"waiting"` // connections that nobody has taken yet
	Prefixes  []prefixView `json:"prefixes"`
	Workers   []workerView `json:"workers"`
}

type prefixView struct {
	Prefix string `json:"prefix"`
	PID    int    `json:"pid"` // who has registered it
}

type workerView struct {
	PID         int    `json:"pid"`
	Program     string `json:"program"`
	Version     string `json:"version,omitempty"`
	Connections uint64 `json:"connections"` // handed over, so far
}

// showBroker lists who has what.
func (w *world) showBroker(ctx context.Context, asked httpsysAsked) error {
	view := brokerView{Folder: w.brokerFolder()}
	client, err := w.connectBroker(ctx)
	switch {
	case err == nil:
		defer client.Close()
		state, err := client.Watch(ctx, nil)
		if err != nil {
			return err
		}
		view = viewOf(state, view.Folder)
	case !broker.IsMissing(err):
		return err
	}
	if asked.json {
		return w.ui.JSON(view)
	}
	w.warnKept()
	if !view.Running {
		w.ui.Say("no broker runs: gorun starts one for a program whose server is httpsys, `gorun httpsys start` one that stays")
		return nil
	}
	return w.tellBroker(view)
}

// warnKept tells of what is kept for the broker and cannot be used: the broker says it only to its log.
func (w *world) warnKept() {
	_, err := w.brokerStore()
	if wrong, ok := errors.AsType[*broker.StoreError](err); ok { // the first is enough
		w.ui.Diagnostic(diagnostic.Diagnostic{Code: "httpsys-settings", Severity: diagnostic.Warning, Suggestion: wrong.Hint(),
			Message: "certificates and reservations do not count: " + wrong.Error()})
	}
}

func viewOf(s *broker.State, folder string) brokerView {
	refused := refusedView(s.Refused)
	view := brokerView{
		Running: true, PID: s.PID, Version: s.Version, Since: s.Since, Persistent: s.Persistent, Folder: folder,
		Listeners: s.Listeners, Refused: &refused,
	}
	for _, q := range s.Queues {
		view.Queues = append(view.Queues, queueView{
			Name: q.Name, Limit: q.Limit, Verbosity: string(q.Verbosity), Waiting: q.Waiting,
			Prefixes: nonNil(mapped(q.Prefixes, func(r broker.Registered) prefixView { return prefixView(r) })),
			Workers: nonNil(mapped(q.Workers, func(s broker.WorkerState) workerView {
				return workerView{s.PID, s.Program, s.Version, s.Taken}
			})),
		})
	}
	return view
}

func (w *world) tellBroker(view brokerView) error {
	life := "ends when nobody uses it"
	if view.Persistent {
		life = "stays until it is stopped"
	}
	w.ui.Say("the broker is process %d since %s, and %s", view.PID, brief(time.Since(view.Since)), life)
	if own := version().Version; view.Version != own {
		w.ui.Say("it is gorun %s, and this one is %s", view.Version, own)
	}
	var rows [][]string
	for _, q := range view.Queues {
		rows = append(rows, q.rows()...)
	}
	if len(rows) == 0 {
		w.ui.Say("no program has a prefix")
		return nil
	}
	sortBy(rows, func(row []string) string { return row[0] })
	return w.ui.Table([]string{"PREFIX", "PROGRAM", "PID", "QUEUE", "CONNECTIONS", "WAITING"}, rows)
}

// rows are a line for each prefix, and one for a queue without any.
func (q queueView) rows() [][]string {
	var programs, pids []string
	var taken uint64
	for _, worker := range q.Workers {
		programs = append(programs, worker.Program)
		pids = append(pids, strconv.Itoa(worker.PID))
		taken += worker.Connections
	}
	slices.Sort(programs)
	rest := []string{
		orDash(strings.Join(slices.Compact(programs), " ")), orDash(strings.Join(pids, " ")), orDash(q.Name),
		strconv.FormatUint(taken, 10), strconv.Itoa(q.Waiting),
	}
	var rows [][]string
	for i, p := range q.Prefixes {
		if i == 0 || p.Prefix != q.Prefixes[i-1].Prefix { // several processes of a queue may have it
			rows = append(rows, append([]string{p.Prefix}, rest...))
		}
	}
	if rows == nil {
		rows = append(rows, append([]string{"-"}, rest...))
	}
	return rows
}
