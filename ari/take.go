package ari

import (
	"context"
	"fmt"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// take begins to serve a caller whom the dialplan has handed over.
func (a *App) take(e *ari.StasisStart) {
	c := a.newCall(a.ctx)
	p := &party{id: e.Channel.ID, name: e.Channel.Name, entered: 1}
	p.is(e.Channel.State)
	c.caller = p
	ch := &channel{call: c, id: p.id, offer: offer(e), leased: argument(e, argT) == withT, until: time.Now().Add(firstLease)}
	c.renew = ch.renew
	if !a.enter(c) {
		a.log.Warn("there are too many calls, or ringside is being stopped: a call goes back to the dialplan", "channel", p.name)
		a.janitor.add(chore{goOn, p.id})
		c.cancel(nil)
		return
	}
	c.add(p)
	a.wg.Go(ch.serve)
}

// offer makes an offer of what the dialplan has handed over.
func offer(e *ari.StasisStart) ringside.Offer {
	o := ringside.Offer{
		PBX: "asterisk", CallID: e.Channel.ID, Channel: e.Channel.Name, Endpoint: dialplan.Endpoint(e.Channel.Name),
		At: time.Now(),
	}
	if id := argument(e, argID); dialplan.Word(id, ringside.MaxCallID) {
		o.CallID = id
	}
	if p := e.Channel.Dialplan; p != nil {
		o.Called, o.Context = dialplan.Cut(p.Exten, maxText), p.Context
	}
	if to, err := url.PathUnescape(argument(e, argCalled)); err == nil && to != "" {
		o.Called = dialplan.Cut(to, maxText)
	}
	if c := e.Channel.Caller; c != nil {
		o.Caller, o.CallerName = dialplan.Cut(c.Number, maxText), dialplan.Cut(c.Name, maxText)
	}
	return o
}

// maxText is the longest number or name that is taken from Asterisk, in bytes.
const maxText = 1024

// serve lets the switchboard drive the call, and leaves nothing behind.
func (ch *channel) serve() {
	a := ch.app
	late := time.AfterFunc(a.opt.Deadline, func() { ch.expire() })
	defer func() {
		late.Stop()
		if p := recover(); p != nil {
			a.opt.Log.Error("a call failed inside ringside and is released",
				"channel", ch.offer.Channel, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		ch.finish()
	}()
	a.handler.ServeCall(ch.ctx, ch)
}

// expire is what happens at the deadline of a decision: if nothing has been asked of Asterisk yet, the
// call goes back to the dialplan with the default.
func (ch *channel) expire() {
	ch.mu.Lock()
	if ch.spoken {
		ch.mu.Unlock()
		return
	}
	ch.spoken, ch.late = true, true
	ch.mu.Unlock()
	ch.cancel(errLate)
	ch.app.log.Error("no decision within the deadline: a call is released with the default", "channel", ch.offer.Channel)
	a := ch.app
	a.wg.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, tidyWithin)
		defer cancel()
		_ = ch.setAll(ctx, a.defaults)
		a.cleanUp(chore{goOn, ch.id})
	})
}

// finish tidies up after the call. A caller who is still there goes back to the dialplan.
func (ch *channel) finish() {
	a := ch.app
	ch.vars.wait()
	ch.drop()
	waits := false
	ch.look(func() { waits = ch.caller.inStasis() && !ch.caller.hangup && !ch.done && !ch.late && !ch.keep })
	if waits {
		a.cleanUp(chore{goOn, ch.callerID()})
	}
	a.leave(ch.call)
	ch.cancel(nil)
}
