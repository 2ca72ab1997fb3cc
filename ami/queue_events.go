package ami

import (
	"time"
)

// event takes an event, on the goroutine that reads.
func (q *queues) event(name []byte, m Message, now time.Time) {
	switch string(name) {
	case "QueueMemberStatus", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse",
		"QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon",
		"QueueMemberAdded", "QueueMemberRemoved", "AgentConnect", "AgentComplete":
		q.about(name, m, now)
	case "Reload":
		switch m.Get("Module") {
		case "app_queue", "app_queue.so", "All":
			q.reloaded(now)
		}
	}
	// AgentCalled, AgentRingNoAnswer and AgentDump change nothing that a QueueMemberStatus does not tell.
}

// about applies an event about one queue.
func (q *queues) about(name []byte, m Message, now time.Time) {
	var w said
	w.read(m)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.draft != nil {
		q.commit(q.draft, now) // its list is over, and this event is later
	}
	k := q.all[string(w.queue)]
	if k == nil {
		q.stranger(w.queue)
		return
	}
	fits := true
	switch string(name) {
	case "QueueMemberStatus", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse":
		fits = q.memberChanged(k, &w, now)
	case "QueueMemberAdded":
		fits = q.memberAdded(k, &w, now)
	case "QueueMemberRemoved":
		fits = q.memberRemoved(k, &w)
	case "QueueCallerJoin":
		fits = q.joined(k, &w, now)
	case "QueueCallerLeave":
		fits = q.left(k, &w)
	case "QueueCallerAbandon":
		k.about.Abandoned++
	case "AgentConnect":
		fits = k.connected(&w)
	case "AgentComplete":
		fits = k.completed(&w)
	}
	k.about.Changed = now
	if !fits {
		q.doubt(k, now)
	}
}

// connected: a caller and a member talk. Asterisk's moving average gives the newest a quarter.
func (k *queue) connected(w *said) (fits bool) {
	if k.about.Completed+k.about.Abandoned == 0 {
		k.about.HoldTime = w.holdTime
	} else {
		k.about.HoldTime = (3*k.about.HoldTime + w.holdTime) >> 2
	}
	member := k.members[string(w.member)]
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
	if w.holdTime <= k.about.ServiceLevel {
		k.inLevel++
	}
	k.about.ServiceLevelPerf = tenths(100 * float64(k.inLevel) / float64(k.about.Completed))
	if k.about.Completed == 1 {
		k.about.TalkTime = w.talkTime
	} else {
		k.about.TalkTime = (3*k.about.TalkTime + w.talkTime) >> 2
	}
	member := k.members[string(w.member)]
	if member == nil {
		return false
	}
	member.InCall = false
	return true
}
