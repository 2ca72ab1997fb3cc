package calls

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// usualTalk is how long a talk is taken to last in a group without a history, as the CRM does.
const usualTalk = 180 * time.Second

// queue is the callers who wait for one group, in the order in which they came.
type queue struct {
	waiters []*waiter
	// talk is the group's average talk, a moving one over about its last ten.
	talk time.Duration
}

// waiter is one caller's place in a queue. Its fields are under the mutex; it sleeps on served.
type waiter struct {
	call  *call
	group *ringside.RingGroup
	since time.Time
	leg   int // the queue leg in the call's record; -1 as long as there is none
	// connecting: a member is being rung for the waiter, who keeps the place; the next free member
	// goes to the next one.
	connecting bool
	left       bool
	// served receives one decision each time a member is found. It has room for it, so that
	// sending never blocks.
	served chan ringside.Decision
}

// enqueue puts the caller at the end of the queue. Mutex held.
func (s *Switchboard) enqueue(c *call, d *ringside.Decision, now time.Time) *waiter {
	q := s.queues[d.Group.ID]
	if q == nil {
		q = &queue{}
		s.queues[d.Group.ID] = q
	}
	w := &waiter{call: c, group: d.Group, since: now, leg: -1, served: make(chan ringside.Decision, 1)}
	q.waiters = append(q.waiters, w)
	c.waiter = w
	// A caller who was sent straight to the queue may find a member free.
	s.dispatch(now)
	return w
}

// leave takes the caller out of the queue and records the stay, once. It reports whether the caller
// was the next to be served: somebody else is now. Mutex held.
func (s *Switchboard) leave(w *waiter, at time.Time, result string) bool {
	if w.left {
		return false
	}
	w.left = true
	w.call.waiter = nil
	q := s.queues[w.group.ID]
	next := q.next() == w
	q.waiters = slices.DeleteFunc(q.waiters, func(o *waiter) bool { return o == w })
	r := &w.call.record
	r.QueueWait += int(at.Sub(w.since) / time.Second)
	if w.leg >= 0 {
		r.Legs[w.leg].End, r.Legs[w.leg].Result = at, result
	}
	return next
}

// dispatch gives free members to those who wait, the longest wait first. A queue's first caller
// who is not being rung for is served before all behind them. Mutex held.
//
// A panic in a decision stays here: it must not leave the mutex locked, nor cost the call that has
// just ended its record. Those who wait are served at the next event.
func (s *Switchboard) dispatch(now time.Time) {
	defer func() {
		if p := recover(); p != nil {
			s.opt.Log.Error("serving a queue failed inside ringside", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	for {
		var first *waiter
		var found ringside.Decision
		for id, q := range s.queues {
			w := q.next()
			if w == nil || (first != nil && !w.since.Before(first.since)) {
				continue
			}
			query := w.call.query
			query.Random, query.Detail = s.opt.Random(), routing.Silent
			if _, ok := w.call.dir.Serve(id, query, &view{s, now}); ok {
				// Most searches find nobody; only the one that does is worth an explanation.
				query.Detail = routing.Looked
				first = w
				found, _ = w.call.dir.Serve(id, query, &view{s, now})
			}
		}
		if first == nil {
			return
		}
		first.connecting = true
		s.reserve(first.call, &found)
		first.served <- found
	}
}

func (q *queue) next() *waiter {
	for _, w := range q.waiters {
		if !w.connecting {
			return w
		}
	}
	return nil
}

// talked adds a talk to the group's history. Mutex held.
func (s *Switchboard) talked(group int64, talk time.Duration) {
	if group == 0 || talk <= 0 {
		return
	}
	q := s.queues[group]
	if q == nil {
		q = &queue{}
		s.queues[group] = q
	}
	if q.talk == 0 {
		q.talk = talk
		return
	}
	q.talk += (talk - q.talk) / 10
}

// estimate is how long the caller at a position (counted from 1) may expect to wait: the talks
// before theirs, shared among the members who take calls. Mutex held.
func (s *Switchboard) estimate(dir *routing.Compiled, group int64, position int) time.Duration {
	talk := usualTalk
	if q := s.queues[group]; q != nil && q.talk > 0 {
		talk = q.talk
	}
	now, taking := time.Now(), 0
	for _, number := range dir.Staff(group) {
		if l := s.lines[number]; l == nil || l.presence(now) != ringside.PresenceUnreachable {
			taking++
		}
	}
	return (talk * time.Duration(position) / time.Duration(max(1, taking))).Round(time.Second)
}

// position is the caller's place, counted from 1; 0 if they have left. Mutex held.
func (s *Switchboard) position(w *waiter) int {
	return 1 + slices.Index(s.queues[w.group.ID].waiters, w)
}
