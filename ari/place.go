package ari

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

const (
	// ringFrom is how long the one who is called first is rung, unless the request says otherwise; ringTo and
	// ringOutside the other.
	ringFrom    = 30 * time.Second
	ringTo      = time.Minute
	ringOutside = 2 * time.Minute
)

// Originate implements ringside.CallControl: From is called, and when they have answered, To; both talk in
// one bridge. From hears it ring, or what the carrier says.
func (a *App) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	var none ringside.Originated
	if err := r.Validate(); err != nil {
		return none, err
	}
	p, err := a.place(r)
	if err != nil {
		return none, err
	}
	if !a.enter(p.call) {
		p.cancel(nil)
		a.disclaim(p.id)
		return none, fmt.Errorf("%w: there are too many calls, or ringside is being stopped", ringside.ErrRefused)
	}
	a.wg.Go(p.run)
	made := ringside.Originated{ID: p.id}
	if r.Async {
		select {
		case err := <-p.taken:
			return made, err
		case <-ctx.Done():
			return made, context.Cause(ctx)
		}
	}
	select {
	case o := <-p.outcome:
		return o.made, o.err
	case <-ctx.Done():
		// Who asked has gone: nobody is rung for them any more.
		p.cancel(ctx.Err())
		return made, context.Cause(ctx)
	}
}

// placed is a call that ringside places. From's channel is the caller of a call like any other as soon as
// it has answered.
type placed struct {
	*channel
	request ringside.OriginateRequest
	from    *party
	dial    string
	// taken tells whether Asterisk has taken the request, outcome how calling From ended. Both have room for
	// what is sent, once.
	taken   chan error
	outcome chan placedOutcome
	tale    tale
}

type placedOutcome struct {
	made ringside.Originated
	err  error
}

func (a *App) place(r ringside.OriginateRequest) (*placed, error) {
	dial, err := a.opt.Dial.String(r.From)
	if err != nil {
		return nil, err
	}
	if _, err := a.opt.Dial.String(r.To); err != nil {
		return nil, err
	}
	if err := a.Ready(); err != nil {
		return nil, fmt.Errorf("%w: %w", ringside.ErrPBXAway, err)
	}
	p := &placed{
		request: r, dial: dial, taken: make(chan error, 1), outcome: make(chan placedOutcome, 1),
		from: &party{id: a.newID(placedID), called: true, target: r.From},
	}
	c := a.newCall(a.ctx)
	c.caller = p.from
	p.channel = &channel{
		call: c, id: p.from.id, shows: cmp.Or(r.Presents, r.From.Number), spoken: true,
		offer: ringside.Offer{PBX: "asterisk", CallID: p.from.id, Caller: r.From.Number, Called: r.To.Number, At: time.Now()},
	}
	p.tale = newTale(p.offer, r)
	c.add(p.from)
	return p, nil
}

// run calls both, and leaves nothing behind.
func (p *placed) run() {
	a := p.app
	defer func() {
		p.drop()
		a.cleanUpAll(p.remains())
		a.leave(p.call)
		p.cancel(nil)
		p.witness()
	}()
	made := ringside.Originated{ID: p.id}
	status, err := p.callFrom()
	made.Status = status
	p.tale.status(status)
	if status == ringside.DialAnswered {
		p.look(func() { made.Channel = p.from.name })
	}
	p.outcome <- placedOutcome{made, err}
	if err != nil || status != ringside.DialAnswered {
		return
	}
	ring := ringTo
	if p.request.To.Kind == ringside.ToExternal {
		ring = ringOutside
	}
	dialled := time.Now()
	res, err := p.Dial(p.ctx, ringside.DialRequest{Targets: []ringside.Target{p.request.To}, Ring: ring})
	p.tale.dialled(p.request.To, dialled, res)
	if err != nil && p.ctx.Err() == nil {
		a.log.Warn("a call that was placed came to nothing", "call", p.id, "error", err)
	}
	p.hangUp(res.Cause)
}

// callFrom calls the one who is called first, and waits for the answer.
func (p *placed) callFrom() (ringside.DialStatus, error) {
	ring := cmp.Or(p.request.Ring, ringFrom)
	ctx, cancel := context.WithTimeoutCause(p.ctx, ring, errRung)
	defer cancel()
	variables := map[string]string{}
	for _, v := range p.request.Variables {
		variables[v.Name] = v.Value
	}
	// It is not broken off: see originate. The end of the call may be told before it is answered.
	err := p.do(context.WithoutCancel(ctx), http.MethodPost, []string{"channels", p.id}, params{
		"endpoint": p.dial, "app": p.app.opt.Name, "appArgs": kindLeg, "timeout": limit(ring), "variables": variables,
		"callerId": callerHeader(p.request.CallerName, cmp.Or(p.request.CallerID, p.request.To.Number)),
	})
	var refused *RequestError
	switch {
	case err == nil:
		p.change(func() { p.from.asked = true })
		p.taken <- nil
	case errors.As(err, &refused) && refused.Status == http.StatusInternalServerError:
		p.taken <- nil
		return ringside.DialUnavailable, nil // "Allocation failed": it is not registered, or there is no such device
	default:
		p.taken <- err
		return "", err
	}
	answered := false
	err = p.await(ctx, func() bool {
		answered = p.from.up && p.from.entered > 0 && !p.from.over()
		return answered || p.from.gone
	})
	gone, cause := false, ringside.HangupCause(0)
	p.look(func() { gone, cause = p.from.gone, p.from.cause })
	switch {
	case answered:
		return ringside.DialAnswered, nil
	case errors.Is(err, errRung):
		return ringside.DialNoAnswer, nil
	case gone:
		return dialstatus.OfCause(cause), nil
	}
	return "", err
}

// hangUp ends From's channel with the cause with which To has ended.
func (p *placed) hangUp(cause ringside.HangupCause) {
	keep := false
	p.look(func() { keep = p.keep || !p.caller.inStasis() })
	if keep {
		return
	}
	ctx, cancel := context.WithTimeout(p.app.ctx, tidyWithin)
	defer cancel()
	if err := p.do(ctx, http.MethodDelete, []string{"channels", p.callerID()}, reason(cause)); err != nil && !left(err) {
		p.app.janitor.add(chore{hangUp, p.callerID()})
	}
}

// remains is what is left of From's channel while it does not talk.
func (p *placed) remains() (chores []chore) {
	p.look(func() {
		if !p.keep && !p.caller.gone && (p.caller.entered == 0 || p.caller.inStasis()) {
			chores = append(chores, chore{hangUp, p.caller.id})
		}
	})
	return chores
}

// Live reports whether a channel that ringside has placed is still there.
func (a *App) Live(id string) bool { return a.owner(id) != nil }
