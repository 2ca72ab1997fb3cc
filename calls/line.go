package calls

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// line is the live state of one extension.
type line struct {
	ringing, talking int
	// own are the calls that ringside gives to the extension, or gave it a moment ago, by their ids.
	own map[string]own
	// report is the PBX's latest word, heard its calls by ringside's ids, each once.
	report *ringside.LineReport
	heard  []reportedCall
	// restUntil and awayUntil end what was learned from calls that were not taken.
	restUntil, awayUntil time.Time
	lastTalk             time.Time
}

func (s *Switchboard) line(number string) *line {
	l := s.lines[number]
	if l == nil {
		l = &line{}
		s.lines[number] = l
	}
	return l
}

// view is the switchboard's state as routing sees it. It is used while the mutex is held.
type view struct {
	s   *Switchboard
	now time.Time
}

// Activity implements routing.View.
func (v *view) Activity(number string) ringside.Activity {
	l := v.s.lines[number]
	if l == nil {
		return ringside.Activity{}
	}
	a := l.activity(v.now)
	// A member who rests is free, but those who wait in a queue come first.
	a.Promised = a.Resting && v.s.awaited(number)
	return a
}

// Turn implements routing.View.
func (v *view) Turn(group int64, number string) uint64 { return v.s.turns[turnKey{group, number}] }

// Waiting implements routing.View. Those for whom a member is being rung are served already.
func (v *view) Waiting(group int64) (n int) {
	if q := v.s.queues[group]; q != nil {
		for _, w := range q.waiters {
			if !w.connecting {
				n++
			}
		}
	}
	return n
}

// awaited reports whether somebody waits in a queue of a group that the extension belongs to.
func (s *Switchboard) awaited(number string) bool {
	for id, q := range s.queues {
		for _, w := range q.waiters {
			if slices.Contains(w.call.dir.Members(id), number) {
				return true
			}
		}
	}
	return false
}

// reserve marks the extensions as being rung for the call, and counts the turn of the group's
// member. Mutex held.
func (s *Switchboard) reserve(c *call, d *ringside.Decision) {
	c.held = append(c.held[:0], d.Target)
	if d.Targets != nil {
		c.held = append(c.held[:0], d.Targets...)
	}
	c.talking, c.left = "", ""
	for _, number := range c.held {
		s.line(number).ringing++
		s.line(number).take(c.record.ID)
	}
	if d.TargetType == ringside.TargetGroupMember && d.Targets == nil {
		k := turnKey{d.Group.ID, d.Target}
		s.last[k.group]++
		s.turns[k] = s.last[k.group]
		c.turns = append(c.turns, ringside.Turn{Group: k.group, Number: k.number, Count: s.last[k.group]})
	}
}

// connect notes that the call is answered by one of the extensions that it holds (empty: unknown
// by which) and frees the others. Mutex held; the caller dispatches afterwards.
func (s *Switchboard) connect(c *call, number string, now time.Time) {
	until := now // whoever it is goes on talking: the PBX's word counts at once
	if number != "" {
		until = now.Add(reportGrace)
	}
	for _, held := range c.held {
		s.line(held).ringing--
		s.line(held).give(c.record.ID, now, until)
	}
	c.held = c.held[:0]
	if number != "" {
		s.line(number).talking++
		s.line(number).take(c.record.ID)
		c.held = append(c.held, number)
		c.talking = number
	}
}

// free gives back the extensions that the call holds, and reports whether there were any: the caller
// dispatches then. Mutex held.
func (s *Switchboard) free(c *call, now time.Time) bool {
	held := len(c.held) > 0
	for _, number := range c.held {
		l := s.line(number)
		l.give(c.record.ID, now, now.Add(reportGrace))
		if number == c.talking {
			l.talking--
			l.lastTalk = now
			c.talks = append(c.talks, ringside.Talk{Number: number, End: now})
		} else {
			l.ringing--
		}
	}
	c.held, c.talking = c.held[:0], ""
	return held
}
