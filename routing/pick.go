package routing

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// pick chooses among the group's free members by its strategy; false if none is free.
func (d *decider) pick(g *group) (ringside.Decision, bool) {
	decision := ringside.Decision{
		Action: ringside.Route, TargetType: ringside.TargetGroupMember, Group: g.src,
		Key:     ringside.DestinationKey{Action: ringside.RouteToGroup, Group: g.src.ID},
		Timeout: time.Duration(g.src.RingTimeout) * time.Second,
	}
	var (
		free    int
		best    = -1
		turn    uint64
		talked  time.Time
		all     []string
		skipped bool
	)
	for i := range g.members {
		activity, why := d.state(&g.members[i])
		if why != "" {
			d.trace.member(g.src.ID, g.members[i].number, false, why)
			if !skipped && g.src.Strategy == ringside.AllRing {
				all = append(make([]string, 0, len(g.numbers)-1), g.numbers[:i]...)
			}
			skipped = true
			continue
		}
		free++
		better := best < 0
		switch g.src.Strategy {
		case ringside.AllRing:
			if skipped {
				all = append(all, g.members[i].number)
			}
		case ringside.ByPriority:
		case ringside.RandomPick:
			// Each free member in its turn replaces the choice with the probability 1/free.
			better = d.q.random(free)%uint64(free) == 0
		case ringside.LeastRecent:
			if better = better || activity.LastTalk.Before(talked); better {
				talked = activity.LastTalk
			}
		default: // round robin
			t := d.v.Turn(g.src.ID, g.members[i].number)
			if better = better || t < turn; better {
				turn = t
			}
		}
		if better {
			best = i
		}
	}
	switch {
	case free == 0:
		return ringside.Decision{}, false
	case g.src.Strategy == ringside.AllRing:
		if !skipped {
			all = g.numbers
		}
		decision.Target = all[0]
		if free > 1 {
			decision.Targets = all
		}
		if d.trace != nil {
			d.trace.groupf(g.src, true, "rings all who are free: %d of %d", free, len(g.members))
		}
	default:
		decision.Target = g.numbers[best]
		if d.trace != nil {
			d.trace.member(g.src.ID, decision.Target, true, chosen(g.src.Strategy, free))
		}
	}
	return decision, true
}

// random derives the n-th of a series of random numbers from the query's one (SplitMix64,
// Steele, Lea and Flood 2014).
func (q *Query) random(n int) uint64 {
	z := q.Random + uint64(n)*0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// state gives the member's activity and why it can't be offered the call; empty if it can.
func (d *decider) state(m *member) (ringside.Activity, string) {
	if m.off != "" {
		return ringside.Activity{}, m.off
	}
	if d.external && !m.ext.takesExternal() {
		return ringside.Activity{}, "may not receive external calls"
	}
	a := d.v.Activity(m.number)
	switch {
	case a.Busy() && a.Reported == a.Ringing+a.Talking:
		return a, "is on a call, says the PBX"
	case a.Talking > 0:
		return a, "is talking"
	case a.Ringing > 0:
		return a, "is being rung"
	case a.Presence == ringside.PresenceUnreachable:
		return a, "is not reachable"
	case d.serving:
		if a.Resting {
			return a, "has just let a call ring out"
		}
	case a.Promised:
		return a, "is waited for by an earlier caller"
	case slices.Contains(d.q.Tried, m.number):
		return a, "has been rung on this call"
	}
	return a, ""
}

func chosen(s ringside.Strategy, free int) string {
	if free == 1 {
		return "is the only one who is free"
	}
	switch s {
	case ringside.RandomPick:
		return "was drawn among those who are free"
	case ringside.ByPriority:
		return "is the first who is free"
	case ringside.LeastRecent:
		return "is free and talked longest ago"
	}
	return "is free and next in turn"
}
