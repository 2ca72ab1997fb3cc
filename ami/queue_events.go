package ami

import (
	"time"
)

// kind is which event or item of a list a message is.
type kind uint8

const (
	memberSays kind = iota // all about a member
	memberAdded
	memberRemoved
	callerJoins
	callerLeaves
	callerAbandons
	agentConnects
	agentCompletes
	listParams
	listMember
	listCaller
	kinds
)

// event takes an event, on the goroutine that reads.
func (q *queues) event(name []byte, m Message, now time.Time) {
	var k kind
	switch string(name) {
	case "QueueMemberStatus", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse":
		k = memberSays
	case "QueueMemberAdded":
		k = memberAdded
	case "QueueMemberRemoved":
		k = memberRemoved
	case "QueueCallerJoin":
		k = callerJoins
	case "QueueCallerLeave":
		k = callerLeaves
	case "QueueCallerAbandon":
		k = callerAbandons
	case "AgentConnect":
		k = agentConnects
	case "AgentComplete":
		k = agentCompletes
	case "Reload":
		switch m.Get("Module") {
		case "app_queue", "app_queue.so", "All":
			q.reloaded(now)
		}
		return
	default:
		// AgentCalled, AgentRingNoAnswer and AgentDump change nothing that QueueMemberStatus does not tell.
		return
	}
	q.about(k, m, now)
}

// about applies an event about one queue.
func (q *queues) about(is kind, m Message, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.draft != nil {
		q.commit(q.draft, now) // its list is over, and this event is later
	}
	w := &q.said
	w.read(m, &q.layouts[is])
	k := q.all[string(w.text[fQueue])]
	if k == nil {
		q.stranger(w.text[fQueue])
		return
	}
	fits := true
	switch is {
	case memberSays:
		fits = q.memberChanged(k, w, now)
	case memberAdded:
		fits = q.memberAdded(k, w, now)
	case memberRemoved:
		fits = q.memberRemoved(k, w)
	case callerJoins:
		fits = q.joined(k, w, now)
	case callerLeaves:
		fits = q.left(k, w)
	case callerAbandons:
		k.about.Abandoned++
	case agentConnects:
		fits = k.connected(w)
	case agentCompletes:
		fits = k.completed(w)
	}
	k.about.Changed = now
	if !fits {
		q.doubt(k, now)
	}
}

// connected: a caller and a member talk. Asterisk's moving average gives the newest a quarter.
func (k *queue) connected(w *said) (fits bool) {
	if k.about.Completed+k.about.Abandoned == 0 {
		k.about.HoldTime = w.num[fHold]
	} else {
		k.about.HoldTime = (3*k.about.HoldTime + w.num[fHold]) >> 2
	}
	member := k.members[string(w.text[fMember])]
	if member == nil {
		return false
	}
	// No QueueMemberStatus need follow that says so.
	member.InCall = true
	return true
}

// completed: a member's call is over.
func (k *queue) completed(w *said) (fits bool) {
	k.about.Completed++
	if w.num[fHold] <= k.about.ServiceLevel {
		k.inLevel++
	}
	k.about.ServiceLevelPerf = tenths(100 * float64(k.inLevel) / float64(k.about.Completed))
	if k.about.Completed == 1 {
		k.about.TalkTime = w.num[fTalk]
	} else {
		k.about.TalkTime = (3*k.about.TalkTime + w.num[fTalk]) >> 2
	}
	member := k.members[string(w.text[fMember])]
	if member == nil {
		return false
	}
	member.InCall = false
	return true
}
