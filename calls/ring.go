package calls

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// answerGrace is how long after the ring time an attempt that is still going on counts as answered
// although nobody reported the answer.
const answerGrace = 2 * time.Second

// ring makes one attempt. over says that the call has ended; otherwise it is to be decided on
// again. from is the caller's place in a queue if they come from one.
func (s *Switchboard) ring(ctx context.Context, c *call, d *ringside.Decision, from *waiter) (over bool, err error) {
	req := ringside.DialRequest{Targets: d.Dialled(), Ring: d.Timeout, CallID: c.record.ID}
	numbers, kind := numbersOf(req.Targets), ringside.LegDial
	if d.Action == ringside.Forward {
		kind = ringside.LegForward
	}
	if from != nil {
		req.Waiting, req.Music = true, d.Group.MusicOnHold
	}
	if c.record.Contact != nil {
		req.CallerName = c.record.Contact.Name
	}
	req.Recorded = recorded(c, d, numbers)
	leg := s.startLeg(c, ringside.Leg{Kind: kind, Targets: numbers, Group: groupID(d)})
	req.Progress = func(p ringside.Party) { s.progress(c, leg, p) }
	unreported := time.AfterFunc(d.Timeout+answerGrace, func() { s.presume(c, leg) })
	res, err := c.ch.Dial(ctx, req)
	unreported.Stop()
	now := time.Now()

	s.mu.Lock()
	c.presumed = false
	l := &c.record.Legs[leg]
	l.End, l.Result, l.Cause = now, string(res.Status), res.Cause
	if err != nil && l.Result == "" {
		l.Result = string(ringside.DialFailed)
	}
	if res.Recording != "" {
		c.record.Recording = res.Recording
	}
	if res.Status == ringside.DialAnswered {
		s.answeredLocked(c, leg, res.Answered.Number, now.Add(-res.Talk))
		if n := res.Answered.Number; n != "" && c.talking != n && c.left != n && kind == ringside.LegDial {
			// Who talked is known only now: nothing was held for it any more.
			s.line(n).lastTalk = now
			c.talks = append(c.talks, ringside.Talk{Number: n, End: now})
		}
		c.record.Disposition, c.record.Cause = ringside.EndTalked, res.Cause
		if c.left != "" && c.left == l.Answered && c.leftAt.After(l.Answer) {
			l.End = c.leftAt // what came after was parking, or somebody else's talk
		}
		s.talked(groupID(d), l.End.Sub(l.Answer))
	} else {
		if kind == ringside.LegDial {
			s.learn(numbers, res.Status, now, from != nil)
		}
	}
	if s.free(c, now) {
		s.dispatch(now)
	}
	s.mu.Unlock()

	switch {
	case err != nil && !errors.Is(err, ringside.ErrRefused):
		return true, err
	case res.Status == ringside.DialCancelled:
		return true, ringside.ErrCallerGone
	case res.Status == ringside.DialAnswered:
		return true, c.ch.Hangup(ctx, ringside.CauseNormal)
	}
	if d.Action == ringside.Forward {
		c.spend(d.Key)
	} else if from == nil {
		c.query.Tried = append(c.query.Tried, numbers...)
	}
	return false, nil
}

// learn keeps what a failed attempt tells of the extensions. Mutex held.
func (s *Switchboard) learn(numbers []string, status ringside.DialStatus, now time.Time, queued bool) {
	for _, n := range numbers {
		l := s.line(n)
		switch {
		case status == ringside.DialUnavailable && len(numbers) == 1:
			l.awayUntil = now.Add(s.opt.Absence)
			s.wake(l.awayUntil)
		case status == ringside.DialCancelled:
		case queued:
			l.restUntil = now.Add(s.opt.Rest)
			s.wake(l.restUntil)
		}
	}
}

// recorded are the numbers whose talk with the caller is to be recorded: those of extensions whose account
// asks for it, and all of them if the caller is such an extension.
func recorded(c *call, d *ringside.Decision, numbers []string) []string {
	wanted := func(number string) bool {
		e, _ := c.dir.Extension(number)
		return e != nil && e.Account != nil && e.Account.CallRecordingEnabled
	}
	if wanted(c.record.Endpoint) {
		return numbers
	}
	if d.Action == ringside.Forward {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return !wanted(n) })
}

// progress notes what has become of one target of an attempt.
func (s *Switchboard) progress(c *call, leg int, p ringside.Party) {
	s.mu.Lock()
	l := &c.record.Legs[leg]
	i := slices.IndexFunc(l.Parties, func(o ringside.Party) bool { return o.Number == p.Number })
	if i < 0 {
		l.Parties = append(l.Parties, p)
	} else {
		l.Parties[i] = p
	}
	r := c.record.Clone()
	s.mu.Unlock()
	if p.State == string(ringside.DialAnswered) {
		s.answered(c, leg, p.Number)
		return
	}
	s.watch.publish(r)
}

// presume notes that an attempt outlives its ring time although nobody reported an answer: it shows
// as answered while it lasts, and of several extensions that were rung, none counts as rung any more.
// Only the PBX's own word at its end makes it an answer in the record.
func (s *Switchboard) presume(c *call, leg int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := &c.record.Legs[leg]; !l.End.IsZero() || !l.Answer.IsZero() {
		return
	}
	c.presumed = true
	if now := time.Now(); len(c.held) > 1 {
		s.connect(c, "", now)
		s.dispatch(now)
	}
}

// answered notes that somebody answered the attempt.
func (s *Switchboard) answered(c *call, leg int, number string) {
	now := time.Now()
	s.mu.Lock()
	if !c.record.Legs[leg].End.IsZero() || !c.record.Legs[leg].Answer.IsZero() {
		s.mu.Unlock()
		return
	}
	s.answeredLocked(c, leg, number, now)
	s.dispatch(now)
	r := c.record.Clone()
	s.mu.Unlock()
	s.opt.Recorder.Update(r)
	s.watch.publish(r)
}

// answeredLocked moves the call to answered, once per leg. Mutex held.
func (s *Switchboard) answeredLocked(c *call, leg int, number string, at time.Time) {
	l := &c.record.Legs[leg]
	if l.Answer.IsZero() {
		l.Answer = at
	}
	if number == "" && len(l.Targets) == 1 {
		number = l.Targets[0]
	}
	if number != "" && l.Answered == "" {
		l.Answered = number
	}
	c.record.Status = c.record.Status.Advance(ringside.StatusAnswered)
	if c.record.Answer.IsZero() {
		c.record.Answer = l.Answer
	}
	if number != "" && slices.Contains(l.Targets, number) {
		c.record.RoutedTo = number
	}
	if c.waiter != nil {
		s.leave(c.waiter, l.Answer, ringside.StayServed)
	}
	if c.talking == "" && l.Kind == ringside.LegDial {
		if !slices.Contains(c.held, number) {
			number = ""
		}
		s.connect(c, number, at)
	}
}

// Answered is a report that a called extension has answered: those who were rung with it are free
// again. id is the PBX's id of the call or ringside's. A report for an unknown call, a late one or a
// second one changes nothing.
func (s *Switchboard) Answered(id, number string) {
	s.mu.Lock()
	c := s.live[ringside.CallID(s.opt.Node, id)]
	if c == nil {
		s.mu.Unlock()
		return
	}
	if c.ch == nil {
		r, news := s.pickedUp(c, number, time.Now())
		s.mu.Unlock()
		if news {
			s.opt.Recorder.Update(r)
			s.watch.publish(r)
		}
		return
	}
	leg := len(c.record.Legs) - 1
	known := leg >= 0 && slices.Contains(c.record.Legs[leg].Targets, number)
	s.mu.Unlock()
	if known {
		s.answered(c, leg, number)
	}
}

// pickedUp moves a call that the dialplan carries out to answered, once. Mutex held.
func (s *Switchboard) pickedUp(c *call, number string, now time.Time) (r ringside.Call, news bool) {
	if c.talking != "" || !slices.Contains(c.held, number) {
		return ringside.Call{}, false
	}
	s.connect(c, number, now)
	s.dispatch(now)
	c.record.Status, c.record.RoutedTo = c.record.Status.Advance(ringside.StatusAnswered), number
	if c.record.Answer.IsZero() {
		c.record.Answer = now
	}
	return c.record.Clone(), true
}

func (s *Switchboard) startLeg(c *call, leg ringside.Leg) int {
	leg.Start = time.Now()
	r := s.change(c, func(r *ringside.Call) { r.Legs = append(r.Legs, leg) })
	s.watch.publish(r)
	return len(r.Legs) - 1
}

func (s *Switchboard) endLeg(c *call, leg int, result string) {
	now := time.Now()
	s.change(c, func(r *ringside.Call) { r.Legs[leg].End, r.Legs[leg].Result = now, result })
}

func numbersOf(targets []ringside.Target) []string {
	numbers := make([]string, len(targets))
	for i, t := range targets {
		numbers[i] = t.Number
	}
	return numbers
}

func groupID(d *ringside.Decision) int64 {
	if d.Group == nil {
		return 0
	}
	return d.Group.ID
}
