package calls

import (
	"container/heap"
	"time"
)

// maxRecent bounds the released calls that are kept for a late report.
const maxRecent = 2000

// leases are targets that were handed to a dialplan which does not report the end of its calls:
// they count as busy for a while. The earliest end is first.
type leases []lease

type lease struct {
	until   time.Time
	id      string // the call's
	numbers []string
}

func (h leases) Len() int           { return len(h) }
func (h leases) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h leases) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *leases) Push(x any) { *h = append(*h, x.(lease)) }

// Pop implements heap.Interface.
func (h *leases) Pop() any {
	old := *h
	l := old[len(old)-1]
	*h = old[:len(old)-1]
	return l
}

// lease moves what the call holds to a lease. Mutex held.
func (s *Switchboard) lease(c *call, until time.Time) {
	if len(c.held) == 0 {
		return
	}
	heap.Push(&s.leases, lease{until, c.record.ID, c.held})
	c.held = nil
	s.wake(until)
}

// expire ends the leases that are over. Mutex held; the caller dispatches afterwards.
func (s *Switchboard) expire(now time.Time) {
	for len(s.leases) > 0 && !now.Before(s.leases[0].until) {
		over := heap.Pop(&s.leases).(lease)
		for _, number := range over.numbers {
			s.line(number).ringing--
			s.line(number).give(over.id, now, now) // it may well talk: from now on the PBX's word counts
		}
	}
	if len(s.leases) > 0 {
		s.wake(s.leases[0].until)
	}
}

// remember keeps a released call for a late report of its end; the oldest makes room. Mutex held.
func (s *Switchboard) remember(c *call) {
	if len(s.recentIDs) == maxRecent {
		delete(s.recent, s.recentIDs[0])
		s.recentIDs = s.recentIDs[1:]
	}
	s.recent[c.record.ID] = c
	s.recentIDs = append(s.recentIDs, c.record.ID)
}

// recall gives a released call back, ready for a later revision. Mutex held.
func (s *Switchboard) recall(id string) *call {
	c := s.recent[id]
	if c == nil {
		return nil
	}
	delete(s.recent, id)
	// The recorder joins the revision to what it has: legs and waits are not to count twice.
	r := &c.record
	r.Legs, r.Trace, r.QueueWait, r.Notes = nil, nil, 0, ""
	r.End, r.Status, r.Disposition = time.Time{}, "", ""
	return c
}
