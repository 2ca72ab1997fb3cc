package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// attempt is one attempt to reach targets for a caller.
type attempt struct {
	ch   *channel
	req  ringside.DialRequest
	legs []*leg
	// early: the caller is in one bridge with the leg from the beginning, so that they hear what the
	// other side sends before it answers.
	early bool
	// rings: the caller has been told that it rings.
	rings bool
}

// leg is the call to one target.
type leg struct {
	*party
	dial string
	// failed is how the call to it ended before there was a channel; empty if there was one.
	failed ringside.DialStatus
}

// attempt prepares one, or refuses it before anything is asked of Asterisk.
func (ch *channel) attempt(req ringside.DialRequest) (*attempt, error) {
	at := &attempt{ch: ch, req: req}
	for _, t := range req.Targets {
		dial, err := ch.app.opt.Dial.String(t)
		if err != nil {
			return nil, err
		}
		at.legs = append(at.legs, &leg{party: &party{id: ch.app.newID(legID), called: true, target: t}, dial: dial})
	}
	if len(at.legs) == 0 {
		return nil, fmt.Errorf("%w: there is nobody to dial", ringside.ErrRefused)
	}
	// Carriers tell in words why a number can't be reached, before anybody answers. Extensions ring.
	at.early = len(at.legs) == 1 && req.Targets[0].Kind == ringside.ToExternal && !req.Waiting && req.Music == ""
	return at, nil
}

// What the ids of channels and bridges contain that ringside makes.
const (
	legID    = "leg"
	placedID = "call"
	bridgeID = "bridge"
	soundID  = "sound"
)

// newID makes an id by whose beginning ringside knows it again after a restart.
func (a *App) newID(kind string) string { return dialplan.UniqueID(a.prefix(kind)) }

func (a *App) prefix(kind string) string { return a.opt.Name + "-" + kind + "-" }

// ring calls all targets and waits until one has answered. Neither is nil if all have refused.
func (at *attempt) ring(ctx context.Context) (*party, error) {
	var calling sync.WaitGroup
	defer calling.Wait()
	errs := make([]error, len(at.legs))
	for i, l := range at.legs {
		at.ch.add(l.party)
		if i == len(at.legs)-1 {
			errs[i] = at.call(ctx, l)
			break
		}
		calling.Go(func() { errs[i] = at.call(ctx, l) })
	}
	if len(at.legs) > 1 {
		calling.Wait()
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for {
		s := at.state()
		for _, p := range s.news {
			at.req.Progress(p)
		}
		switch {
		case s.winner != nil:
			return s.winner, nil
		case s.lost != nil:
			if err := at.again(ctx, s.lost); err != nil {
				return nil, err
			}
			continue
		case s.over:
			return nil, nil
		case s.ringing && !at.rings && !at.early && at.ch.music == "":
			at.rings = true
			if err := at.ch.ask(ctx, http.MethodPost, nil, "ring"); err != nil && !errors.Is(err, ringside.ErrRefused) {
				return nil, err
			}
		}
		select {
		case <-at.ch.news:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// again calls a target whose channel was lost with the connection: Asterisk hangs up who answers while
// there is none.
func (at *attempt) again(ctx context.Context, l *leg) error {
	p := &party{id: at.ch.app.newID(legID), called: true, target: l.target, told: l.told}
	at.ch.change(func() { l.party = p })
	at.ch.add(p)
	return at.call(ctx, l)
}

// call calls one target. An error is one of the connection; a target that can't be called is no error.
func (at *attempt) call(ctx context.Context, l *leg) error {
	var err error
	if at.early {
		err = at.callEarly(ctx, l)
	} else {
		err = at.originate(ctx, l)
	}
	var refused *RequestError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ringside.ErrCallerGone):
		return err
	case errors.As(err, &refused) && !errors.Is(err, ringside.ErrNotPermitted):
		// 500 "Allocation failed" is what Asterisk says of a device that is not registered.
		at.ch.change(func() { l.failed, l.gone = ringside.DialUnavailable, true }) // there is nothing to be hung up
		return nil
	case errors.Is(err, ringside.ErrNotPermitted):
		at.ch.change(func() { l.failed = ringside.DialFailed })
		return at.ch.outcome(ctx, err)
	}
	return at.ch.outcome(ctx, err)
}

// originate calls a target in one request: its channel comes into Stasis when it answers. The request is
// made to its end also if the caller leaves: broken off, it could be carried out after the phone was stopped.
func (at *attempt) originate(ctx context.Context, l *leg) error {
	ch := at.ch
	p := params{
		"endpoint": l.dial, "app": ch.app.opt.Name, "appArgs": kindLeg, "originator": ch.callerID(), "timeout": limit(at.req.Ring),
	}
	if number, name, ok := at.shown(); ok {
		p["callerId"] = callerHeader(name, number)
	}
	err := ch.made(ctx, func() error {
		return ch.app.rest.do(context.WithoutCancel(ctx), http.MethodPost, []string{"channels", l.id}, p, nil)
	})
	ch.change(func() { l.asked = err == nil })
	return err
}

// limit is for how many seconds Asterisk rings a target. ringside ends it before, and knows why then: this
// is for the case that ringside is gone.
func limit(ring time.Duration) int { return int((ring + spare) / time.Second) }

const spare = 10 * time.Second

// shown is the number and the name that called phones show, where they are not those of the caller's channel;
// ok is false if they are, or if the number is none that a header can hold.
func (at *attempt) shown() (number, name string, ok bool) {
	number = at.ch.shows
	if number == "" && at.req.CallerName != "" {
		number = at.ch.offer.Caller
	}
	return number, at.req.CallerName, ringside.Dialable(number)
}

const maxName = 80

// callEarly calls a target whose channel is in Stasis from the beginning, in one bridge with the caller:
// Asterisk passes on ringing, early media and the answer itself.
func (at *attempt) callEarly(ctx context.Context, l *leg) error {
	ch := at.ch
	create := params{
		"endpoint": l.dial, "app": ch.app.opt.Name, "appArgs": kindLeg, "channelId": l.id, "originator": ch.callerID(),
	}
	if number, name, ok := at.shown(); ok {
		// The bridge tells each side who the other is: it is the caller's channel that has to say so. Their
		// channel takes commands in their order, so it does before it is in the bridge.
		who := []ringside.Variable{{Name: "CALLERID(num)", Value: number}, {Name: dialplan.VarCallerName, Value: name}}
		if err := ch.setAll(ctx, who); err != nil {
			return err
		}
	}
	if err := ch.made(ctx, func() error {
		return ch.app.rest.do(context.WithoutCancel(ctx), http.MethodPost, []string{"channels", "create"}, create, nil)
	}); err != nil {
		return err
	}
	ch.change(func() { l.asked = true })
	// Before it is in Stasis it can't be commanded.
	if err := ch.await(ctx, func() bool { return l.entered > 0 || l.gone }); err != nil {
		return err
	}
	if err := ch.bridged(ctx, l.party); err != nil {
		return err
	}
	// Twice, it would hang up.
	return ch.app.rest.do(ctx, http.MethodPost, []string{"channels", l.id, "dial"}, params{"caller": ch.callerID(), "timeout": limit(at.req.Ring)}, nil)
}

// attemptState is how far an attempt has come.
type attemptState struct {
	news    []ringside.Party
	winner  *party
	ringing bool
	// lost is a leg of which nobody knows how it ended, and which can be called again.
	lost *leg
	// over: nobody can answer any more.
	over bool
}

func (at *attempt) state() (s attemptState) {
	at.ch.mu.Lock()
	defer at.ch.mu.Unlock()
	s.over = true
	for _, l := range at.legs {
		status := l.status()
		s.ringing = s.ringing || l.ringing || l.progress
		if s.winner == nil && l.up && !l.over() {
			s.winner = l.party
			status = string(ringside.DialAnswered)
		}
		s.over = s.over && (l.failed != "" || l.gone)
		if l.lost && l.failed == "" && !at.early {
			s.lost = l
			continue
		}
		if at.req.Progress != nil && status != l.told {
			l.told = status
			s.news = append(s.news, ringside.Party{Number: l.target.Number, State: status, Cause: l.cause})
		}
	}
	return s
}

// status is what has become of the call to the target so far.
func (l *leg) status() string {
	switch {
	case l.failed != "":
		return string(l.failed)
	case l.gone:
		return string(l.ended())
	case l.ringing:
		return ringside.PartyRinging
	}
	return ringside.PartyDialing
}

// conclude reports how the attempt has ended for those targets of which nothing more will be heard.
func (at *attempt) conclude(winner *party, as ringside.DialStatus) {
	if at.req.Progress == nil {
		return
	}
	for _, l := range at.legs {
		open := false
		at.ch.look(func() {
			open = l.party != winner && (l.told == "" || l.told == ringside.PartyDialing || l.told == ringside.PartyRinging)
			if open {
				l.told = string(as)
			}
		})
		if open {
			at.req.Progress(ringside.Party{Number: l.target.Number, State: string(as)})
		}
	}
}

// ended is how the call to a target ended that has a channel no more.
func (l *leg) ended() ringside.DialStatus {
	if l.lost {
		return ringside.DialNoAnswer // who knows; it is no reason to take the target for absent
	}
	return dialstatus.OfCause(l.cause)
}

// failure is the outcome of an attempt in which all have refused: as in Asterisk's Dial, a busy one counts
// more than a congested one, and that more than one who is not there.
func (at *attempt) failure() ringside.DialResult {
	at.ch.mu.Lock()
	defer at.ch.mu.Unlock()
	res := ringside.DialResult{Status: ringside.DialNoAnswer}
	rank := func(s ringside.DialStatus) int {
		switch s {
		case ringside.DialBusy:
			return 4
		case ringside.DialCongested:
			return 3
		case ringside.DialUnavailable:
			return 2
		case ringside.DialFailed:
			return 1
		}
		return 0
	}
	for _, l := range at.legs {
		status, cause := l.failed, ringside.CauseAbsent
		if status == "" {
			status, cause = l.ended(), l.cause
		}
		if res.Cause == 0 || rank(status) > rank(res.Status) {
			res.Status, res.Cause = status, cause
		}
	}
	return res
}

// stop ends the calls to all targets but the winner, who is answered elsewhere for their phones then.
func (at *attempt) stop(winner *party) {
	var all sync.WaitGroup
	for _, l := range at.legs {
		there := false
		at.ch.look(func() { there = l.party != winner && l.failed == "" && !l.gone })
		if !there {
			continue
		}
		var p params
		if winner != nil {
			p = params{"reason": "answered_elsewhere"}
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(at.ch.app.ctx, tidyWithin)
			defer cancel()
			if err := at.ch.app.rest.do(ctx, http.MethodDelete, []string{"channels", l.id}, p, nil); err != nil && !left(err) {
				at.ch.app.janitor.add(chore{hangUp, l.id})
			}
		})
	}
	all.Wait()
	if winner == nil && at.early {
		at.ch.drop()
	}
}
