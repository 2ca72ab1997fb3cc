package calls

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// Live gives the calls in progress, the oldest first.
func (s *Switchboard) Live() []ringside.Call {
	s.mu.Lock()
	live := make([]ringside.Call, 0, len(s.live))
	for _, c := range s.live {
		r := c.record.Clone()
		if c.presumed {
			r.Status = r.Status.Advance(ringside.StatusAnswered)
			if len(c.held) == 1 {
				r.RoutedTo = c.held[0]
			}
		}
		live = append(live, r)
	}
	s.mu.Unlock()
	slices.SortFunc(live, func(a, b ringside.Call) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return live
}

// Counts is how many calls are in progress and how many callers stand in queues.
func (s *Switchboard) Counts() (live, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		waiting += len(q.waiters)
	}
	return len(s.live), waiting
}

// LastOffer is when the last call came in; zero if none has.
func (s *Switchboard) LastOffer() time.Time {
	if at := s.offered.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Waiting gives everybody who stands in a queue, by group and place.
func (s *Switchboard) Waiting() []ringside.Waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ringside.Waiting
	for id, q := range s.queues {
		for i, w := range q.waiters {
			state := "waiting"
			if w.connecting {
				state = "connecting"
			}
			all = append(all, ringside.Waiting{
				CallID: w.call.record.ID, Group: ringside.Ref{ID: id, Name: w.group.Name},
				Caller: w.call.record.Caller, Called: w.call.record.Called,
				Position: i + 1, Since: w.since, Status: state,
				Estimate: int(s.estimate(w.call.dir, id, i+1) / time.Second),
			})
		}
	}
	slices.SortFunc(all, func(a, b ringside.Waiting) int {
		return cmp.Or(cmp.Compare(a.Group.ID, b.Group.ID), cmp.Compare(a.Position, b.Position))
	})
	return all
}

// Lines gives what is known of each extension of the directory, and of each other number that the PBX
// reports on, by number.
func (s *Switchboard) Lines() []ringside.LineStatus {
	names := map[string]string{}
	if dir := s.directory.Load(); dir != nil {
		for _, e := range dir.Document().Numbers {
			if e.Active {
				names[e.Number] = dir.ExtensionName(e.Number)
			}
		}
	}
	s.mu.Lock()
	now := time.Now()
	all := make([]ringside.LineStatus, 0, len(names))
	for number, name := range names {
		status := ringside.LineStatus{Number: number, Name: name}
		if l := s.lines[number]; l != nil {
			a := l.activity(now)
			status.Ringing, status.Talking, status.Reported = l.ringing, l.talking, a.Reported
			status.Busy, status.Presence, status.LastTalk = a.Busy(), a.Presence, a.LastTalk
			status.Report = l.report
		}
		all = append(all, status)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b ringside.LineStatus) int {
		return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// Explain decides on a call that is not there, with the state of this moment: nothing is reserved
// and no turn is taken. The decision itself is returned, too, for who must dial it.
func (s *Switchboard) Explain(dir *routing.Compiled, q routing.Query) (ringside.Decision, ringside.Explained) {
	contact, known := s.contact(q.Caller)
	if known && q.Owner == "" {
		q.Owner = contact.Owner
	}
	d := s.tryOut(dir, q)
	e := d.Explain(q.Caller, q.Called, dir.Version())
	if known {
		e.Contact = &contact
	}
	return d, e
}

func (s *Switchboard) tryOut(dir *routing.Compiled, q routing.Query) ringside.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return dir.Decide(q, &view{s, time.Now()})
}

// Contact finds who a caller is: a contact of the CRM, or the owner of an extension.
func (s *Switchboard) Contact(raw string) (ringside.Contact, bool) {
	dir := s.directory.Load()
	if dir == nil {
		return s.contact(ringside.Number{Raw: raw})
	}
	n := dir.Number(raw)
	if name := dir.ExtensionName(n.Raw); name != "" {
		return ringside.Contact{Phone: n.Raw, Name: name}, true
	}
	return s.contact(n)
}

// Drain waits until no call is being served, or ctx ends; it returns how many were left.
func (s *Switchboard) Drain(ctx context.Context) int {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		served := 0
		for _, c := range s.live {
			if c.ch != nil {
				served++
			}
		}
		s.mu.Unlock()
		if served == 0 {
			return 0
		}
		select {
		case <-ctx.Done():
			return served
		case <-tick.C:
		}
	}
}
