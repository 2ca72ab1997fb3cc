package esl

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Bounds of what events alone can make grow, and of what is followed.
const (
	maxQueues  = 1_000
	maxAgents  = 20_000
	maxWaiting = 20_000 // callers of all queues
)

// queues is the live picture of mod_callcenter's queues, where it is loaded: asked for at the login, kept by
// events, compared now and then. Tiers, which say who serves which queue, have no events.
type queues struct {
	numbers numbering
	// agent is how agents are named that ringside adds, with ${number} in it.
	agent string
	wake  chan struct{} // tells of doubts

	mu     sync.Mutex
	all    map[string]*queue
	agents map[string]*agent
	tiers  []tier
	// callers are those who wait, by mod_callcenter's own id.
	callers map[string]*caller
	// touched are what events have told of since lists were asked for; nil: none are being read.
	touched map[string]struct{}
	checked time.Time
	stale   bool
}

type queue struct {
	name, strategy       string
	completed, abandoned int
	changed              time.Time
}

type agent struct {
	name, contact, status, state string
	since                        time.Time // of the status
	taken                        int
	lastCall                     time.Time
	wrapUp                       int
}

type tier struct {
	queue, agent    string
	level, position int
}

type caller struct {
	id, queue, channel, name, number, session string
	since                                     time.Time
	// rank is since when the caller would have to wait to have their place in the queue.
	rank time.Time
}

// The words of mod_callcenter.
const (
	agentLoggedOut = "Logged Out"
	agentAvailable = "Available"
	agentOnBreak   = "On Break"
	agentInCall    = "In a queue call"
)

func newQueues(numbers numbering, agentName string) *queues {
	q := &queues{numbers: numbers, agent: cmp.Or(agentName, "${number}@default"), wake: make(chan struct{}, 1)}
	q.forget()
	return q
}

// forget: there are no queues. Mutex held, but by newQueues.
func (q *queues) forget() {
	q.all, q.agents, q.callers = map[string]*queue{}, map[string]*agent{}, map[string]*caller{}
	q.tiers, q.checked, q.stale = nil, time.Time{}, false
}

// lost marks what is known as stale.
func (q *queues) lost() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stale, q.touched = true, nil
}

// doubt has the queues compared soon.
func (q *queues) doubt() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// snapshot copies all queues, by name.
func (q *queues) snapshot() []ringside.PBXQueue {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]ringside.PBXQueue, 0, len(q.all))
	for _, k := range q.all {
		all = append(all, q.copied(k))
	}
	slices.SortFunc(all, func(a, b ringside.PBXQueue) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// one copies a queue.
func (q *queues) one(name string) (ringside.PBXQueue, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.all[name]
	if k == nil {
		return ringside.PBXQueue{}, false
	}
	return q.copied(k), true
}

// copied copies a queue; members come by name, callers by their place. Mutex held.
func (q *queues) copied(k *queue) ringside.PBXQueue {
	s := ringside.PBXQueue{
		Name: k.name, Strategy: k.strategy, Completed: k.completed, Abandoned: k.abandoned,
		Members: []ringside.PBXQueueMember{}, Callers: []ringside.PBXQueueCaller{},
		Checked: q.checked, Changed: k.changed, Stale: q.stale,
	}
	for _, t := range q.tiers {
		if t.queue == k.name {
			s.Members = append(s.Members, q.member(t))
		}
	}
	slices.SortFunc(s.Members, func(a, b ringside.PBXQueueMember) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Interface, b.Interface))
	})
	var waiting []*caller
	for _, c := range q.callers {
		if c.queue == k.name {
			waiting = append(waiting, c)
		}
	}
	slices.SortFunc(waiting, func(a, b *caller) int { return cmp.Or(a.rank.Compare(b.rank), cmp.Compare(a.id, b.id)) })
	for i, c := range waiting {
		s.Callers = append(s.Callers, ringside.PBXQueueCaller{
			Position: i + 1, Channel: cmp.Or(c.channel, c.session), ID: c.session, Number: c.number, Name: c.name, Since: c.since,
		})
	}
	return s
}

// member is an agent's part in a queue. Mutex held.
func (q *queues) member(t tier) ringside.PBXQueueMember {
	m := ringside.PBXQueueMember{Name: t.agent, Penalty: t.level, State: ringside.DeviceUnknown}
	a := q.agents[t.agent]
	if a == nil {
		m.Number = q.numbers.own(t.agent)
		m.Paused, m.PausedReason = true, agentLoggedOut // a tier whose agent is not there is never rung
		return m
	}
	m.Interface, m.CallsTaken, m.LastCall, m.WrapUp = a.contact, a.taken, a.lastCall, a.wrapUp
	m.Number = q.number(a)
	m.InCall, m.State = a.state == agentInCall, agentState(a.state)
	if a.status != agentAvailable && !strings.HasPrefix(a.status, agentAvailable+" ") {
		m.Paused, m.PausedReason, m.PausedSince = true, a.status, a.since
	}
	return m
}

// number is the extension that an agent is: by their name, else by where they are called.
func (q *queues) number(a *agent) string {
	if n := q.numbers.own(a.name); n != "" {
		return n
	}
	contact := withoutVariables(a.contact)
	if n := q.numbers.own(q.numbers.placed(contact)); n != "" {
		return n
	}
	if dialled, ok := strings.CutPrefix(contact, "user/"); ok {
		return q.numbers.own(dialled)
	}
	return ""
}

// agentState translates mod_callcenter's states of agents.
func agentState(state string) ringside.DeviceState {
	switch state {
	case "Waiting":
		return ringside.DeviceIdle
	case "Receiving", "Reserved":
		return ringside.DeviceRinging
	case agentInCall:
		return ringside.DeviceInUse
	case "Idle": // is given no calls
		return ringside.DeviceUnavailable
	}
	return ringside.DeviceUnknown
}
