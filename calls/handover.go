package calls

import (
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	// holdGrace is added to the ring time when a decision's target is held without a report.
	holdGrace = 5 * time.Second
	// maxTracked ends a tracked call whose report was lost.
	maxTracked = 4 * time.Hour
)

// Decide decides on a call for a dialplan that carries out the decision itself. Asked again about
// the same tracked call, it takes the earlier target as tried in vain and goes on to the next. It
// never queues: a caller who would have to wait is given Busy, with the group and the reason in the
// trace.
func (s *Switchboard) Decide(o ringside.Offer, h ringside.Handover) (d ringside.Decision, id string) {
	c := s.newCall(nil, o)
	c.query.Random = s.opt.Random()
	defer func() {
		if p := recover(); p != nil {
			s.opt.Log.Error("a decision failed inside ringside", "call", id, "panic", fmt.Sprint(p))
			d = ringside.Decision{Action: ringside.Failed}
			s.settle(c, ringside.EndFailed)
		}
	}()
	id = c.record.ID
	if c.dir == nil {
		s.settle(c, ringside.EndReleased)
		return ringside.Decision{Action: ringside.NotConfigured}, id
	}
	d, over, begun := s.handOver(c, h)
	if begun != nil {
		s.begun(*begun)
	}
	if over != nil {
		s.settle(over, ringside.EndDecided)
	}
	return d, id
}

// handOver decides and reserves, all under one lock: a report of the call's end finds it either
// before or after. If the dialplan asks again, the call in progress is decided on. over is a call that
// nobody will report on, begun the record of a tracked one that begins.
func (s *Switchboard) handOver(c *call, h ringside.Handover) (d ringside.Decision, over *call, begun *ringside.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	tracked := h.Tracked
	switch old := s.live[c.record.ID]; {
	case old == nil:
	case old.ch != nil:
		// ringside serves the call itself, and its own end is what will be known.
		tracked = false
	default:
		old.query.Random = c.query.Random
		c = old
		c.query.Tried = append(c.query.Tried, c.held...)
		if s.free(c, now) {
			s.dispatch(now)
		}
	}
	d = s.decideWithoutQueue(c, now)
	hold := d.Timeout + holdGrace
	if h.Hold != nil {
		hold = *h.Hold
	}
	if d.Action == ringside.Route && (tracked || hold > 0) {
		s.reserve(c, &d)
	}
	if !tracked {
		s.lease(c, now.Add(hold))
		if s.live[c.record.ID] == c {
			delete(s.live, c.record.ID)
		}
		return d, c, nil
	}
	if s.live[c.record.ID] != c {
		s.live[c.record.ID] = c
		s.expect(c)
		r := c.record.Clone()
		begun = &r
	}
	if c.expiry == nil && !s.closed {
		c.expiry = time.AfterFunc(maxTracked, func() { s.conclude(c, ringside.Facts{}, time.Now()) })
	}
	return d, nil, begun
}

// decideWithoutQueue decides for a dialplan, which has no queue of ours to wait in: it takes the
// group's overflow, or busy. Mutex held.
func (s *Switchboard) decideWithoutQueue(c *call, now time.Time) ringside.Decision {
	d := c.dir.Decide(c.query, &view{s, now})
	for d.Action == ringside.Queue {
		c.spend(d.Key)
		d = c.dir.Decide(c.query, &view{s, now})
	}
	if d.Action == ringside.Voicemail || d.Action == ringside.Forward || d.Action == ringside.Announcement {
		c.spend(d.Key)
	}
	s.note(c, &d)
	if d.Target != "" {
		c.record.RoutedTo = d.Target
	}
	return d
}

// settle ends a call that nobody will report on.
func (s *Switchboard) settle(c *call, as ringside.Disposition) {
	s.change(c, func(r *ringside.Call) {
		r.Disposition = as
		if as != ringside.EndDecided {
			r.Status = r.Status.Advance(ringside.StatusFailed)
		}
	})
	s.end(c, time.Now())
}

// Finish takes the dialplan's report of the end of a call. A call that ringside serves itself needs
// none: the report changes nothing then. A call that was released, and recorded already, gets a later
// revision. It reports whether the call was known.
func (s *Switchboard) Finish(o ringside.Offer, f ringside.Facts) bool {
	s.mu.Lock()
	id := ringside.CallID(s.opt.Node, o.CallID)
	c := s.live[id]
	if c == nil {
		if c = s.recall(id); c != nil {
			s.live[id] = c // for conclude, which ends it
			s.expect(c)
			c.ch = nil
		}
	}
	s.mu.Unlock()
	if c == nil {
		return false
	}
	s.conclude(c, f, time.Now())
	return true
}

// conclude ends a call that the dialplan carried out, if it is still in progress.
func (s *Switchboard) conclude(c *call, f ringside.Facts, at time.Time) {
	s.mu.Lock()
	if s.live[c.record.ID] != c || c.ch != nil {
		s.mu.Unlock()
		return
	}
	delete(s.live, c.record.ID)
	if c.expiry != nil {
		c.expiry.Stop()
	}
	s.write(c, f, at)
	s.mu.Unlock()
	s.end(c, at)
}

// write puts the dialplan's facts into the record. Mutex held.
func (s *Switchboard) write(c *call, f ringside.Facts, now time.Time) {
	r := &c.record
	r.Cause = f.Cause
	r.End = time.Time{}
	switch f.Status {
	case ringside.DialAnswered:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusAnswered), ringside.EndTalked
		if r.Answer.IsZero() {
			r.Answer = now.Add(-f.Talk)
		}
		number := f.Answered
		if number == "" && len(c.held) == 1 {
			number = c.held[0]
		}
		if number != "" {
			r.RoutedTo = number
		}
		if number != "" && c.talking == "" && c.left == "" {
			s.connect(c, number, now)
		}
	case ringside.DialBusy:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusBusy), ringside.EndBusy
	case ringside.DialNoAnswer:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusNoAnswer), ringside.EndNoAnswer
	case ringside.DialUnavailable, ringside.DialCongested, ringside.DialFailed:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusFailed), ringside.EndUnavailable
	case ringside.DialCancelled:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusAbandoned), ringside.EndAbandoned
	default:
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusFailed), ringside.EndDecided
	}
	if r.Status == ringside.StatusAnswered {
		r.Disposition = ringside.EndTalked // whatever the dialplan's last attempt came to
	}
}
