package esl

import (
	"time"
)

// events are those of mod_callcenter, and those that tell that it has come or gone.
func (q *queues) events() []string {
	return []string{"MODULE_LOAD", "MODULE_UNLOAD", customEvents, callcenterInfo}
}

// digest takes an event.
func (q *queues) digest(e event) {
	switch e.name() {
	case "MODULE_LOAD", "MODULE_UNLOAD":
		// One event for each of a module's interfaces.
		if e.get("key") == "mod_callcenter" && e.get("name") == "callcenter_config" {
			q.doubt()
		}
	case callcenterInfo:
		q.told(e)
	}
}

func (q *queues) told(e event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.checked.IsZero() && q.touched == nil {
		return // the first list tells
	}
	at := e.when()
	switch e.plain("CC-Action") {
	case "agent-status-change":
		q.agentTold(e, at, func(a *agent) {
			if a.status = e.text("CC-Agent-Status"); a.status == agentAvailable {
				a.taken = 0 // so does mod_callcenter
			}
			a.since = at.Truncate(time.Second)
		})
	case "agent-state-change":
		q.agentTold(e, at, func(a *agent) { a.state = e.text("CC-Agent-State") })
	case "agent-contact-change":
		q.agentTold(e, at, func(a *agent) { a.contact = e.text("CC-Agent-Contact") })
	case "agent-add":
		if name := e.text("CC-Agent"); q.agents[name] == nil && name != "" && len(q.agents) < maxAgents {
			q.agents[name] = &agent{name: name, status: agentLoggedOut, state: "Waiting"}
			q.touch("agent", name)
		}
	case "member-queue-start", "member-queue-resume":
		q.joins(e, at)
	case "bridge-agent-start":
		q.agentTold(e, at, func(a *agent) { a.taken++ })
		q.leaves(e, at)
	case "bridge-agent-end":
		q.agentTold(e, at, func(a *agent) { a.lastCall = at.Truncate(time.Second) })
	case "member-queue-end":
		q.leaves(e, at)
		if k := q.all[e.text("CC-Queue")]; k != nil {
			if e.plain("CC-Cause") == "Terminated" {
				k.completed++
			} else {
				k.abandoned++
			}
			q.touch("queue", k.name)
		}
	}
}

// touch notes that an event has told of something: a list that is being read knows less. Mutex held.
func (q *queues) touch(kind, name string) {
	if q.touched != nil && len(q.touched) < maxRows {
		q.touched[kind+" "+name] = struct{}{}
	}
}

func (q *queues) isTouched(kind, name string) bool {
	_, ok := q.touched[kind+" "+name]
	return ok
}

// agentTold changes an agent. One that is not known is asked for. Mutex held.
func (q *queues) agentTold(e event, at time.Time, change func(*agent)) {
	a := q.agents[e.text("CC-Agent")]
	if a == nil {
		q.doubt()
		return
	}
	change(a)
	q.touch("agent", a.name)
	for _, t := range q.tiers {
		if k := q.all[t.queue]; t.agent == a.name && k != nil {
			k.changed = at
		}
	}
}

// joins takes somebody who begins to wait. Mutex held.
func (q *queues) joins(e event, at time.Time) {
	id, name := e.text("CC-Member-UUID"), e.text("CC-Queue")
	k := q.all[name]
	if k == nil {
		q.doubt()
		return
	}
	if id == "" || q.callers[id] == nil && len(q.callers) >= maxWaiting {
		return
	}
	since := first(epoch(e.plain("variable_cc_queue_joined_epoch")), at)
	if at.Sub(since).Abs() < time.Second {
		since = at // the same moment, and exact
	}
	c := &caller{
		id: id, queue: name, channel: e.text("Channel-Name"), session: e.channel("CC-Member-Session-UUID"),
		name: e.text("CC-Member-CID-Name"), number: e.text("CC-Member-CID-Number"), since: since,
	}
	c.rank = since.Add(-time.Duration(count(e.plain("variable_cc_base_score"))) * time.Second)
	q.callers[id], k.changed = c, at
	q.touch("caller", id)
}

// leaves takes out somebody who waits no more. Mutex held.
func (q *queues) leaves(e event, at time.Time) {
	id := e.text("CC-Member-UUID")
	q.touch("caller", id)
	c := q.callers[id]
	if c == nil {
		return
	}
	delete(q.callers, id)
	if k := q.all[c.queue]; k != nil {
		k.changed = at
	}
}
