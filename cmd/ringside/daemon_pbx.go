package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
	"github.com/ringside-pbx/ringside/ari"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/esl"
	"github.com/ringside-pbx/ringside/guard"
)

// desk acts on the PBX: what dials goes through the guard, what tells asks the connection with Asterisk, which
// is nil where only ARI is configured, or with FreeSWITCH, which is nil where that is not.
type desk struct {
	*guard.Guard
	asterisk   *ami.PBX
	freeswitch *esl.PBX
}

var _ control.PBX = (*desk)(nil)

// bothDoors acts over the manager interface, and places calls over ARI while that is connected: both sides
// are in a bridge of ringside's then.
type bothDoors struct {
	*ami.PBX
	ari *ari.App
}

// Originate implements ringside.CallControl.
func (b bothDoors) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	if b.ari.Ready() == nil {
		return b.ari.Originate(ctx, r)
	}
	return b.PBX.Originate(ctx, r)
}

// startDesk lets people and pages act on Asterisk and FreeSWITCH, over what is configured.
func (d *daemon) startDesk(asterisk *ami.PBX, freeswitch *esl.PBX) error {
	var pbx ringside.CallControl
	switch {
	case asterisk != nil && d.ari != nil:
		pbx = bothDoors{asterisk, d.ari}
	case asterisk != nil:
		pbx = asterisk
	case d.ari != nil:
		pbx = d.ari
	}
	switch {
	case freeswitch == nil && pbx == nil:
		return nil
	case freeswitch != nil && pbx != nil:
		pbx = bothPBXs{pbx, freeswitch}
	case freeswitch != nil:
		pbx = freeswitch
	}
	g, err := guard.New(d.cfg.Outbound.guard(pbx, d.channelLives, d.calls.Directory, d.log))
	if err != nil {
		return exitError{exitUsage, err}
	}
	d.desk = &desk{Guard: g, asterisk: asterisk, freeswitch: freeswitch}
	return nil
}

// startPBXs connects with Asterisk's manager interface and FreeSWITCH's event socket, if they are configured.
func (d *daemon) startPBXs(td *teardown) error {
	asterisk, err := d.newAsterisk()
	if err != nil {
		return err
	}
	freeswitch, err := d.newFreeSWITCH()
	if err != nil {
		return err
	}
	if err := d.startDesk(asterisk, freeswitch); err != nil {
		return err
	}
	if asterisk != nil {
		asterisk.Start()
		td.push("Asterisk's manager interface", asterisk.Stop)
	}
	if freeswitch != nil {
		freeswitch.Start()
		d.dialplan.afterWriting(freeswitch.ReloadXML)
		td.push("FreeSWITCH's event socket", freeswitch.Stop)
	}
	return nil
}

// newAsterisk makes the connection with Asterisk's manager interface; nil if it is not configured.
func (d *daemon) newAsterisk() (*ami.PBX, error) {
	if d.cfg.AMI.Address == "" {
		return nil, nil
	}
	login, err := d.cfg.AMI.login()
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	login.Log = d.log
	opt := ami.Options{
		Login: login, Known: d.knownExtension, Lines: d.calls, Places: d.cfg.places(), Limits: d.cfg.AMI.Limits.limits(),
		Keepalive: d.cfg.AMI.Keepalive.Duration, Reconcile: d.cfg.AMI.Reconcile.Duration,
	}
	if d.cfg.AMI.Records {
		opt.Witness = d.witness
	}
	return ami.New(opt), nil
}

// channelLives reports whether a call that ringside placed is still there; it is taken to be while Asterisk
// can't be asked.
func (d *daemon) channelLives(id string) bool {
	if freeswitch := d.desk.freeswitch; freeswitch != nil && esl.IsChannel(id) {
		return !freeswitch.State().Up || freeswitch.Live(id)
	}
	if d.ari != nil && d.ari.Live(id) {
		return true
	}
	if asterisk := d.desk.asterisk; asterisk != nil {
		return !asterisk.State().Up || asterisk.Live(id)
	}
	return d.ari != nil && d.ari.Ready() != nil
}

// knownExtension reports whether the directory in effect has an extension of that number.
func (d *daemon) knownExtension(number string) bool {
	dir := d.calls.Directory()
	if dir == nil {
		return false
	}
	e, _ := dir.Extension(number)
	return e != nil
}

// witnessWithin is how long ringside's own record of a call may take to be written after Asterisk has
// seen the end of it.
const witnessWithin = 15 * time.Second

// witness records a call as Asterisk saw it.
func (d *daemon) witness(ctx context.Context, w ringside.Witnessed) {
	ctx, cancel := context.WithTimeout(ctx, witnessWithin)
	defer cancel()
	err := d.calls.Witness(ctx, w, func(ctx context.Context, id string) (ringside.Call, bool, error) {
		d.flush(ctx)
		return d.store.Call(ctx, id)
	})
	if err != nil {
		d.log.Warn("what Asterisk saw of a call could not be recorded", "call", w.CallID, "error", err)
	}
}

// PBX implements control.Daemon.
func (d *daemon) PBX() (control.PBX, error) {
	if d.desk == nil {
		return nil, fmt.Errorf("%w: no PBX is configured: set ami.address and ami.secret, or ari.url and ari.password, or esl.address and esl.password", control.ErrRefused)
	}
	return d.desk, nil
}

// pbxLink is the state of the connection with Asterisk; nil if it is not configured.
func (d *daemon) pbxLink() *control.PBXLink {
	if d.desk == nil || d.desk.asterisk == nil {
		return nil
	}
	st := d.desk.asterisk.State()
	l := &control.PBXLink{
		Up: st.Up, Since: st.Since, Address: d.cfg.AMI.Address, Forged: st.Forged, Refused: d.desk.Refused(),
	}
	if !st.Up && st.Err != nil {
		l.Error = st.Err.Error()
	}
	return l
}

// Lines implements control.Daemon.
func (d *daemon) Lines(context.Context) ([]ringside.LineStatus, error) {
	return append([]ringside.LineStatus{}, d.calls.Lines()...), nil
}

// PBXHealth implements control.PBX. It is Asterisk's where both are configured.
func (k *desk) PBXHealth(ctx context.Context) (ringside.PBXHealth, error) {
	q := k.queues()
	if q == nil {
		return ringside.PBXHealth{}, ari.ErrNeedsAMI
	}
	return q.Health(ctx), nil
}

// queueKeeper is a PBX that has queues of its own, and tells how it is doing.
type queueKeeper interface {
	Health(ctx context.Context) ringside.PBXHealth
	Queues() []ringside.PBXQueue
	AddQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error
	RemoveQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error
	PauseQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error
	SetQueuePenalty(ctx context.Context, r ringside.QueueMemberRequest) error
	ReloadQueue(ctx context.Context, queue string) error
}

var _, _ queueKeeper = (*ami.PBX)(nil), (*esl.PBX)(nil)

// queues is the PBX whose queues are told of: Asterisk where both are configured, nil where only ARI is.
func (k *desk) queues() queueKeeper {
	switch {
	case k.asterisk != nil:
		return k.asterisk
	case k.freeswitch != nil:
		return k.freeswitch
	}
	return nil
}

// Queues implements control.PBX.
func (k *desk) Queues(context.Context) ([]ringside.PBXQueue, error) {
	q := k.queues()
	if q == nil {
		return nil, ari.ErrNeedsAMI
	}
	return append([]ringside.PBXQueue{}, q.Queues()...), nil
}

// ChangeQueue implements control.PBX.
func (k *desk) ChangeQueue(ctx context.Context, c control.QueueChange) error {
	q := k.queues()
	if q == nil {
		return ari.ErrNeedsAMI
	}
	switch c.Verb {
	case control.QueueAdd:
		return q.AddQueueMember(ctx, c.Member)
	case control.QueueRemove:
		return q.RemoveQueueMember(ctx, c.Member)
	case control.QueuePause:
		return q.PauseQueueMember(ctx, c.Member)
	case control.QueuePenalty:
		return q.SetQueuePenalty(ctx, c.Member)
	}
	return q.ReloadQueue(ctx, c.Member.Queue)
}
