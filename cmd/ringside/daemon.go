package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/agi"
	"github.com/ringside-pbx/ringside/ari"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/directory"
	"github.com/ringside-pbx/ringside/esl"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/routing"
	"github.com/ringside-pbx/ringside/store"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// daemon is the running ringside: its parts, and what the control socket asks of them.
type daemon struct {
	cfg     *Config
	log     *slog.Logger
	started time.Time
	store   *store.Store
	calls   *calls.Switchboard
	agi     *agi.Server
	esl     *esl.Server // nil if it is turned off
	keeper  *directory.Keeper
	// dialplan writes FreeSWITCH's; nil if it is not configured.
	dialplan *dialplanWriter
	link     *crmsync.Link
	// ari drives calls through Asterisk's REST interface; nil if it is not configured.
	ari *ari.App
	// desk acts on the PBX; nil if none is configured.
	desk *desk
}

var _ control.Daemon = (*daemon)(nil)

// Status implements control.Daemon.
func (d *daemon) Status(ctx context.Context) (control.Status, error) {
	s := control.Status{
		Version: version, Node: d.cfg.Node, Started: d.started, AGI: d.agi.Addr().String(), Socket: d.eslAddress(),
		Live: len(d.calls.Live()), Waiting: len(d.calls.Waiting()), Directory: d.state(),
	}
	st := d.store.State()
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	link, err := d.SyncStatus(ctx)
	if err != nil {
		return s, err
	}
	s.CRM, s.PBX, s.ARI, s.ESL = link, d.pbxLink(), d.ariLink(), d.eslLink()
	s.Store, err = json.Marshal(storeState{
		Path: d.store.Path(), OK: st.Err == nil, Since: st.Since, Error: text(st.Err), Pending: st.Pending,
		Dropped: st.Dropped, Calls: st.Calls, Outbox: st.Outbox, LastWrite: st.LastWrite,
		MovedAside: st.MovedAside, Damage: text(st.Damage),
	})
	return s, err
}

// storeState is the store's part of the status.
type storeState struct {
	Path       string    `json:"path"`
	OK         bool      `json:"ok"`
	Since      time.Time `json:"failing_since,omitzero"`
	Error      string    `json:"error,omitempty"`
	Pending    int       `json:"pending"`
	Dropped    uint64    `json:"dropped"`
	Calls      int       `json:"calls"`
	Outbox     int       `json:"outbox"`
	LastWrite  time.Time `json:"last_write,omitzero"`
	MovedAside string    `json:"moved_aside,omitempty"`
	Damage     string    `json:"damage,omitempty"`
}

// Route implements control.Daemon.
func (d *daemon) Route(_ context.Context, r control.RouteRequest) (ringside.Explained, error) {
	dir := d.calls.Directory()
	if dir == nil {
		return ringside.Explained{Action: ringside.NotConfigured, CallerID: r.From, CalledNumber: r.To, Trace: []ringside.Step{}}, nil
	}
	decision, e := d.calls.Explain(dir, routeQuery(dir, r))
	e.Dial = dialString(d.cfg.dial(), &decision)
	return e, nil
}

// routeQuery makes the question of a request. A caller that is an extension calls from its device.
func routeQuery(dir *routing.Compiled, r control.RouteRequest) routing.Query {
	q := routing.Query{
		Caller: dir.Number(r.From), Called: dir.Number(r.To), Endpoint: r.Endpoint, Owner: r.Owner,
		At: r.At, Detail: routing.Full,
	}
	if q.At.IsZero() {
		q.At = time.Now()
	}
	if q.Endpoint == "" {
		q.Endpoint = q.Caller.Raw
	}
	return q
}

func dialString(dial dialplan.Dial, decision *ringside.Decision) string {
	s, err := dial.Of(decision)
	if err != nil {
		return ""
	}
	return s
}

// Calls implements control.Daemon.
func (d *daemon) Calls(ctx context.Context, q control.CallQuery) ([]ringside.Call, error) {
	all := []ringside.Call{}
	if !q.Live {
		d.flush(ctx)
		finished, err := d.store.Calls(ctx, store.Query{Since: q.Since, Limit: q.Limit, Newest: true})
		if err != nil {
			return nil, err
		}
		for i := len(finished) - 1; i >= 0; i-- {
			all = append(all, finished[i])
		}
	}
	all = append(all, d.calls.Live()...)
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[len(all)-q.Limit:]
	}
	return all, nil
}

// flush lets who asks see the call that has just ended. A disk that fails must not keep them from
// seeing the earlier ones.
func (d *daemon) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	if err := d.store.Flush(ctx); err != nil {
		d.log.Debug("the latest calls are not readable yet", "error", err)
	}
}

const flushWithin = 500 * time.Millisecond

// Call implements control.Daemon.
func (d *daemon) Call(ctx context.Context, id string) (ringside.Call, error) {
	for _, c := range d.calls.Live() {
		if c.ID == id {
			return c, nil
		}
	}
	d.flush(ctx)
	c, ok, err := d.store.Call(ctx, id)
	if err == nil && !ok {
		err = control.ErrNotFound
	}
	return c, err
}

// Tail implements control.Daemon.
func (d *daemon) Tail(ctx context.Context, each func(ringside.Call) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for c := range d.calls.Watch(ctx) {
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

// Waiting implements control.Daemon.
func (d *daemon) Waiting(context.Context) ([]ringside.Waiting, error) {
	return append([]ringside.Waiting{}, d.calls.Waiting()...), nil
}

// LoadContacts implements control.Daemon.
func (d *daemon) LoadContacts(ctx context.Context, contacts []ringside.Contact) (int, error) {
	dir := d.calls.Directory()
	for i := range contacts {
		phone := ringside.Number{Raw: contacts[i].Phone}
		if dir != nil {
			phone = dir.Number(contacts[i].Phone)
		}
		contacts[i].Phone = phone.String()
	}
	if err := d.store.PutContacts(ctx, contacts); err != nil {
		return 0, err
	}
	return len(contacts), nil
}

// CheckStore implements control.Daemon.
func (d *daemon) CheckStore(ctx context.Context) (control.StoreReport, error) {
	r, err := d.store.Check(ctx)
	if err != nil {
		return control.StoreReport{}, err
	}
	return storeReport(r)
}

// BackupStore implements control.Daemon.
func (d *daemon) BackupStore(ctx context.Context, path string) error {
	return d.store.Backup(ctx, path)
}
