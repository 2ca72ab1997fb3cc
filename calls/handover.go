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
// the same call, it takes the earlier target as tried in vain and goes on to the next. It never
// queues: a caller who would have to wait is given Busy, with the group and the reason in the
// trace.
func (s *Switchboard) Decide(o ringside.Offer, h ringside.Handover) (d ringside.Decision, id string) {
	c, again := s.handedOver(s.callID(o))
	if !again {
		c = s.enter(nil, o)
		if h.Tracked { // any other call has ended before its beginning could be written
			s.begun(c)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			s.opt.Log.Error("a decision failed inside ringside", "call", c.record.ID, "panic", fmt.Sprint(p))
			d = ringside.Decision{Action: ringside.Failed}
			s.settle(c, ringside.EndFailed)
		}
	}()
	id = c.record.ID
	if c.dir == nil {
		s.settle(c, ringside.EndReleased)
		return ringside.Decision{Action: ringside.NotConfigured}, id
	}
	d = s.handOver(c, h)
	return d, id
}

// handedOver finds a live call that the dialplan carries out, and takes back what was reserved.
func (s *Switchboard) handedOver(id string) (*call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live[id]
	if c == nil || c.ch != nil || c.dir == nil {
		return nil, false
	}
	c.query.Tried = append(c.query.Tried, c.held...)
	now := time.Now()
	s.free(c, now)
	s.dispatch(now)
	return c, true
}

// handOver decides and reserves; a call that nobody will report on is settled at once.
func (s *Switchboard) handOver(c *call, h ringside.Handover) ringside.Decision {
	c.query.Random = s.opt.Random()
	d := s.decideToHandOver(c, h)
	if !h.Tracked {
		s.settle(c, ringside.EndDecided)
	}
	return d
}

func (s *Switchboard) decideToHandOver(c *call, h ringside.Handover) ringside.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	d := c.dir.Decide(c.query, &view{s, now})
	for d.Action == ringside.Queue {
		// The dialplan has no queue of ours to wait in: take the group's overflow, or busy.
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
	hold := d.Timeout + holdGrace
	if h.Hold != nil {
		hold = *h.Hold
	}
	if d.Action == ringside.Route && (h.Tracked || hold > 0) {
		s.reserve(c, &d)
	}
	switch {
	case !h.Tracked:
		s.lease(c, now.Add(hold))
	case c.expiry == nil && !s.closed:
		c.expiry = time.AfterFunc(maxTracked, func() { s.finish(c.record.ID, ringside.Facts{}) })
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
// none: the report changes nothing then. A call that was released or decided and recorded already
// gets a later revision. It reports whether the call was known.
func (s *Switchboard) Finish(o ringside.Offer, f ringside.Facts) bool {
	return s.finish(s.callID(o), f)
}

func (s *Switchboard) finish(id string, f ringside.Facts) bool {
	s.mu.Lock()
	c := s.live[id]
	if c != nil && c.ch != nil {
		s.mu.Unlock()
		return true
	}
	if c == nil {
		c = s.recall(id)
	}
	if c == nil {
		s.mu.Unlock()
		return false
	}
	if c.expiry != nil {
		c.expiry.Stop()
	}
	now := time.Now()
	s.conclude(c, f, now)
	s.mu.Unlock()
	s.end(c, now)
	return true
}

// conclude writes the dialplan's facts into the record. Mutex held.
func (s *Switchboard) conclude(c *call, f ringside.Facts, now time.Time) {
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
			s.connect(c, number)
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
}
