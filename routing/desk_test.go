package routing

import (
	"slices"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// desk is a View that is told what the extensions do, and that can count turns as the switchboard
// does.
type desk struct {
	activity map[string]ringside.Activity
	turns    map[turnOf]uint64
	last     map[int64]uint64
	waiting  map[int64]int
}

type turnOf struct {
	group  int64
	number string
}

func newDesk() *desk {
	return &desk{
		activity: map[string]ringside.Activity{}, turns: map[turnOf]uint64{},
		last: map[int64]uint64{}, waiting: map[int64]int{},
	}
}

func (d *desk) Activity(number string) ringside.Activity { return d.activity[number] }

func (d *desk) Turn(group int64, number string) uint64 { return d.turns[turnOf{group, number}] }

func (d *desk) Waiting(group int64) int { return d.waiting[group] }

// take counts the turn of the member that a decision rings.
func (d *desk) take(decision ringside.Decision) {
	if decision.TargetType == ringside.TargetGroupMember && decision.Targets == nil {
		id := decision.Group.ID
		d.last[id]++
		d.turns[turnOf{id, decision.Target}] = d.last[id]
	}
}

// staff makes extensions that external callers reach.
func staff(numbers ...string) (out []ringside.Extension) {
	for i, n := range numbers {
		out = append(out, ringside.Extension{ID: int64(i + 1), Number: n, Active: true})
	}
	return out
}

// team makes an active group.
func team(id int64, name string, numbers ...string) ringside.RingGroup {
	g := ringside.RingGroup{
		ID: id, Name: name, Strategy: ringside.RoundRobin, RingTimeout: 20, MaxQueueSize: 2, QueueTimeout: 60, Active: true,
	}
	for i, n := range numbers {
		g.Members = append(g.Members, ringside.Member{Number: n, Priority: i})
	}
	return g
}

func toGroup(id int64) ringside.Destination {
	return ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{ID: id}}
}

func toNumber(n string) ringside.Destination {
	return ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: n}
}

func hangUp() ringside.Destination { return ringside.Destination{Action: ringside.HangUp} }

// rules numbers rules from 1 on, in the order of their priority, and makes them active.
func rules(list ...ringside.Rule) []ringside.Rule {
	for i := range list {
		list[i].ID, list[i].Active = int64(i+1), true
	}
	return list
}

// compiled compiles a directory that is without fault.
func compiled(t testing.TB, doc ringside.Directory) *Compiled {
	t.Helper()
	c, problems := Compile(doc)
	if i := slices.IndexFunc(problems, func(p ringside.Problem) bool { return p.Severity == ringside.Faulty }); i >= 0 {
		t.Fatal(problems[i])
	}
	return c
}

// monday is 10:00 on a Monday.
func monday() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

// asking is a call from outside.
func (c *Compiled) asking(caller, called string) Query {
	return Query{Caller: c.Number(caller), Called: c.Number(called), Endpoint: "trunk", At: monday()}
}
