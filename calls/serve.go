package calls

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxSteps bounds the decisions on one call, so that destinations which fail at once can't keep a
// call going for ever. A caller in a queue takes one step per ringing.
const maxSteps = 1000

// releaseWithin bounds giving a call back after an internal error.
const releaseWithin = 2 * time.Second

// ServeCall implements ringside.Handler.
func (s *Switchboard) ServeCall(ctx context.Context, ch ringside.Channel) {
	c := s.begin(ch, ch.Offer())
	defer func() {
		if p := recover(); p != nil {
			s.opt.Log.Error("a call failed inside ringside and is released",
				"call", c.record.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.change(c, func(r *ringside.Call) {
				r.Status = r.Status.Advance(ringside.StatusFailed)
				r.Disposition, r.Notes = ringside.EndFailed, "internal error"
			})
			s.releaseAfterPanic(ctx, ch)
		}
		s.end(c, time.Now())
	}()
	if c.dir == nil {
		// The id, so that the dialplan can report how the call went on.
		_ = ch.Tell(ctx, c.record.ID, &ringside.Decision{Action: ringside.NotConfigured})
		s.release(ctx, c, "no directory is loaded")
		return
	}
	if err := s.drive(ctx, c); err != nil {
		s.gone(ctx, c, err)
	}
}

func (s *Switchboard) releaseAfterPanic(ctx context.Context, ch ringside.Channel) {
	defer func() { _ = recover() }() // the front end is broken: the record is what can be saved
	ctx, cancel := context.WithTimeout(ctx, releaseWithin)
	defer cancel()
	_ = ch.Release(ctx, ringside.ResultReleased)
}

// drive takes the call from decision to decision until it has ended. An error means that the
// channel is of no use any more.
func (s *Switchboard) drive(ctx context.Context, c *call) error {
	for range maxSteps {
		d, w := s.decide(c)
		if err := s.announceDecision(ctx, c, &d); err != nil {
			return err
		}
		var (
			over bool
			err  error
		)
		switch d.Action {
		case ringside.Route, ringside.Forward:
			over, err = s.ring(ctx, c, &d, nil)
		case ringside.Queue:
			over, err = s.stand(ctx, c, &d, w)
		case ringside.Voicemail:
			over, err = s.voicemail(ctx, c, &d)
		case ringside.Announcement:
			over, err = s.announce(ctx, c, &d)
		case ringside.Hangup:
			return s.hangup(ctx, c, &d)
		case ringside.Busy:
			if s.thwarted(c) {
				s.release(ctx, c, "the PBX could not carry out the decision")
				return nil
			}
			return s.hangup(ctx, c, &d)
		default:
			s.release(ctx, c, "nothing fits the call")
			return nil
		}
		if err != nil || over {
			return err
		}
	}
	s.release(ctx, c, "the directory leads the call in circles")
	return nil
}

// decide decides on the call as it stands and, under the same lock, reserves whom the decision
// rings or puts the caller in the queue.
func (s *Switchboard) decide(c *call) (ringside.Decision, *waiter) {
	c.query.Random = s.opt.Random()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	d := c.dir.Decide(c.query, &view{s, now})
	var w *waiter
	switch d.Action {
	case ringside.Route:
		s.reserve(c, &d)
	case ringside.Queue:
		w = s.enqueue(c, &d, now)
	}
	s.note(c, &d)
	return d, w
}

// note keeps the decision in the call's record, and tells it who calls. Mutex held.
func (s *Switchboard) note(c *call, d *ringside.Decision) {
	r := &c.record
	if r.Contact != nil {
		d.CallerName = r.Contact.Name
	}
	if d.Rule != nil {
		r.Rule = d.Rule.Ref()
	}
	if d.Group != nil {
		r.Group = d.Group.Ref()
	}
	if room := maxTrace - len(r.Trace); room > 0 {
		r.Trace = append(r.Trace, d.Trace[:min(room, len(d.Trace))]...)
	}
}

// maxTrace bounds the steps kept of one call's explanation.
const maxTrace = 200

// announceDecision tells the dialplan and the CDR what was decided.
func (s *Switchboard) announceDecision(ctx context.Context, c *call, d *ringside.Decision) error {
	err := c.ch.Tell(ctx, c.record.ID, d)
	if errors.Is(err, ringside.ErrRefused) {
		return nil // variables are a service to the dialplan; the call goes on without
	}
	return err
}

func (s *Switchboard) hangup(ctx context.Context, c *call, d *ringside.Decision) error {
	r := s.change(c, func(r *ringside.Call) {
		if d.Action == ringside.Hangup {
			r.Status, r.Disposition, r.Cause = r.Status.Advance(ringside.StatusFailed), ringside.EndHungUp, d.Cause
			return
		}
		r.Status, r.Disposition, r.Cause = unreached(r)
	})
	return c.ch.Hangup(ctx, r.Cause)
}

// thwarted reports whether nobody was reached only because the PBX could not do what it was told (a
// missing sound, no voicemail): that is no reason to turn a caller away.
func (s *Switchboard) thwarted(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, leg := range c.record.Legs {
		if leg.Result != string(ringside.DialFailed) {
			return false
		}
	}
	return len(c.record.Legs) > 0
}

// unreached tells how a call that reached nobody ended, from its attempts: the best thing that
// happened counts.
func unreached(r *ringside.Call) (ringside.Status, ringside.Disposition, ringside.HangupCause) {
	var rang, away bool
	for _, leg := range r.Legs {
		switch ringside.DialStatus(leg.Result) {
		case ringside.DialNoAnswer:
			rang = true
		case ringside.DialUnavailable, ringside.DialCongested, ringside.DialFailed:
			away = true
		}
		if leg.Kind == ringside.LegQueue {
			rang = true
		}
	}
	switch {
	case rang:
		return r.Status.Advance(ringside.StatusNoAnswer), ringside.EndNoAnswer, ringside.CauseNoAnswer
	case away:
		return r.Status.Advance(ringside.StatusFailed), ringside.EndUnavailable, ringside.CauseAbsent
	}
	return r.Status.Advance(ringside.StatusBusy), ringside.EndBusy, ringside.CauseBusy
}

// release gives the call back to the PBX's own dialplan.
func (s *Switchboard) release(ctx context.Context, c *call, why string) {
	s.change(c, func(r *ringside.Call) {
		r.Status = r.Status.Advance(ringside.StatusFailed)
		r.Disposition, r.Notes = ringside.EndReleased, why
	})
	s.mu.Lock()
	s.remember(c)
	s.mu.Unlock()
	if err := c.ch.Release(ctx, ringside.ResultReleased); err != nil {
		s.opt.Log.Debug("a released call was gone already", "call", c.record.ID, "error", err)
	}
}

// gone records why the channel is of no use any more.
func (s *Switchboard) gone(ctx context.Context, c *call, err error) {
	cause := context.Cause(ctx)
	s.change(c, func(r *ringside.Call) {
		switch {
		case errors.Is(cause, ErrStopping):
			r.Status = r.Status.Advance(ringside.StatusFailed)
			r.Disposition = ringside.EndInterrupted
		case errors.Is(err, ringside.ErrCallerGone), errors.Is(cause, ringside.ErrCallerGone):
			if r.Disposition == "" {
				r.Disposition = ringside.EndAbandoned
			}
			r.Status = r.Status.Advance(ringside.StatusAbandoned)
		case errors.Is(err, ringside.ErrConnectionLost), errors.Is(cause, ringside.ErrConnectionLost):
			r.Status = r.Status.Advance(ringside.StatusFailed)
			r.Disposition = ringside.EndLost
		default:
			r.Status = r.Status.Advance(ringside.StatusFailed)
			r.Disposition, r.Notes = ringside.EndFailed, err.Error()
		}
	})
}

// spend notes that a destination has been tried to the end on this call.
func (c *call) spend(k ringside.DestinationKey) {
	c.query.Spent = append(c.query.Spent, k)
}
