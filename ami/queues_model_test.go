package ami

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// model is a queue as Asterisk keeps it: it says its events and its list.
type model struct {
	name                  string
	members               []modelMember
	callers               []string
	completed, abandoned  int
	hold, talk, level, in int
	calls                 int
	r                     *rand.Rand
}

type modelMember struct {
	name, iface, reason                    string
	penalty, taken, last, status           int
	paused, lastPause, talking, holdBefore int
}

func (m *modelMember) text() string {
	return fmt.Sprintf("Membership: dynamic\nPenalty: %d\nCallsTaken: %d\nLastCall: %d\nLastPause: %d\nLoginTime: 1795548760\n"+
		"InCall: %d\nStatus: %d\nPaused: %d\nPausedReason: %s\nWrapuptime: 0", m.penalty, m.taken, m.last, m.lastPause,
		m.talking, m.status, m.paused, m.reason)
}

func (q *model) memberEvent(kind string, m *modelMember) string {
	return fmt.Sprintf("Event: QueueMember%s\nPrivilege: agent,all\nTimestamp: 1795548773.151859\nSystemName: pbx\nQueue: %s\n"+
		"MemberName: %s\nInterface: %s\nStateInterface: %s\n%s\nRinginuse: 0", kind, q.name, m.name, m.iface, m.iface, m.text())
}

// list is QueueStatus.
func (q *model) listOf() []string {
	perf := 0.0
	if q.completed > 0 {
		perf = 100 * float64(q.in) / float64(q.completed)
	}
	items := []string{fmt.Sprintf("Event: QueueParams\nQueue: %s\nMax: 0\nStrategy: rrmemory\nCalls: %d\nHoldtime: %d\nTalkTime: %d\n"+
		"Completed: %d\nAbandoned: %d\nServiceLevel: %d\nServicelevelPerf: %2.1f\nServicelevelPerf2: 0.0\nWeight: 3",
		q.name, len(q.callers), q.hold, q.talk, q.completed, q.abandoned, q.level, perf)}
	for _, m := range q.members {
		items = append(items, fmt.Sprintf("Event: QueueMember\nQueue: %s\nName: %s\nLocation: %s\nStateInterface: %s\n%s",
			q.name, m.name, m.iface, m.iface, m.text()))
	}
	for i, c := range q.callers {
		items = append(items, fmt.Sprintf("Event: QueueEntry\nQueue: %s\nPosition: %d\nChannel: PJSIP/trunk-%s\nUniqueid: %s\n"+
			"CallerIDNum: +7900%s\nCallerIDName: unknown\nWait: 0\nPriority: 0", q.name, i+1, c, c, c))
	}
	return items
}

func (q *model) channel(c string) string {
	return fmt.Sprintf("Channel: PJSIP/trunk-%s\nChannelState: 6\nCallerIDNum: +7900%s\nCallerIDName: <unknown>\nUniqueid: %s\nLinkedid: %s", c, c, c, c)
}

func (q *model) callerEvent(kind, c string, position int, more string) string {
	return fmt.Sprintf("Event: QueueCaller%s\nPrivilege: agent,all\nTimestamp: 1795548773.151859\n%s\nQueue: %s\nPosition: %d\n%s",
		kind, q.channel(c), q.name, position, more)
}

func (q *model) agentEvent(kind, c string, m *modelMember, more string) string {
	return fmt.Sprintf("Event: Agent%s\nPrivilege: agent,all\n%s\nDestChannel: %s-1\nQueue: %s\nInterface: %s\nMemberName: %s\n%s",
		kind, q.channel(c), m.iface, q.name, m.iface, m.name, more)
}

func (q *model) leave(i int) string {
	c := q.callers[i]
	q.callers = slices.Delete(q.callers, i, i+1)
	return q.callerEvent("Leave", c, i+1, fmt.Sprintf("Count: %d", len(q.callers)))
}

func average(old, value int, first bool) int {
	if first {
		return value
	}
	return (3*old + value) >> 2
}

// step does something and gives the events that Asterisk sends of it.
func (q *model) step() string {
	var m *modelMember
	if len(q.members) > 0 {
		m = &q.members[q.r.IntN(len(q.members))]
	}
	switch n := q.r.IntN(12); {
	case n == 0 && len(q.members) < 30:
		q.calls++
		q.members = append(q.members, modelMember{name: fmt.Sprintf("M%d", q.calls), iface: fmt.Sprintf("PJSIP/%d", q.calls), status: 1})
		return q.memberEvent("Added", &q.members[len(q.members)-1])
	case n == 1 && m != nil:
		text := q.memberEvent("Removed", m)
		i := slices.IndexFunc(q.members, func(o modelMember) bool { return o.iface == m.iface })
		q.members = slices.Delete(q.members, i, i+1)
		return text
	case n == 2 && m != nil:
		m.paused, m.reason = 1-m.paused, ""
		if m.paused == 1 {
			m.reason, m.lastPause = "Lunch", 1795548760+q.r.IntN(100)
		}
		return q.memberEvent("Pause", m)
	case n == 3 && m != nil:
		m.penalty = q.r.IntN(10)
		return q.memberEvent("Penalty", m)
	case n <= 5 && m != nil:
		m.status = q.r.IntN(9)
		if m.talking == 1 {
			m.status = []int{2, 7, 8}[q.r.IntN(3)]
		}
		return q.memberEvent("Status", m)
	case n <= 7:
		q.calls++
		c, at := fmt.Sprintf("17955.%d", q.calls), len(q.callers)
		if q.r.IntN(4) == 0 {
			at = q.r.IntN(at + 1)
		}
		q.callers = slices.Insert(q.callers, at, c)
		return q.callerEvent("Join", c, at+1, fmt.Sprintf("Count: %d", len(q.callers)))
	case n == 8 && len(q.callers) > 0:
		i := q.r.IntN(len(q.callers))
		q.abandoned++
		text := q.callerEvent("Abandon", q.callers[i], i+1, "OriginalPosition: 9\nHoldTime: 7")
		return text + "\n\n" + q.leave(i)
	case n <= 10 && len(q.callers) > 0 && m != nil && m.talking == 0:
		i := q.r.IntN(len(q.callers))
		c := q.callers[i]
		m.status = 6
		text := q.agentEvent("Called", c, m, "") + "\n\n" + q.memberEvent("Status", m)
		if q.r.IntN(3) == 0 {
			return text + "\n\n" + q.agentEvent("RingNoAnswer", c, m, "RingTime: 5000")
		}
		m.holdBefore = q.r.IntN(60)
		q.hold = average(q.hold, m.holdBefore, q.completed+q.abandoned == 0)
		m.status = 2
		text += "\n\n" + q.memberEvent("Status", m) // as 16 does, before it says that there is a call
		m.talking = 1
		return text + "\n\n" + q.leave(i) + "\n\n" + q.agentEvent("Connect", c, m, fmt.Sprintf("HoldTime: %d\nRingTime: 0", m.holdBefore))
	case m != nil && m.talking == 1:
		talk := q.r.IntN(300)
		text := q.agentEvent("Complete", "gone", m, fmt.Sprintf("HoldTime: %d\nTalkTime: %d\nReason: caller", m.holdBefore, talk))
		if m.holdBefore <= q.level {
			q.in++
		}
		q.completed++
		q.talk = average(q.talk, talk, q.completed == 1)
		m.talking, m.taken, m.last, m.status = 0, m.taken+1, 1795548760+q.r.IntN(1000), 1
		return text + "\n\n" + q.memberEvent("Status", m)
	}
	return ""
}

// play applies events to a picture as a session would.
func play(q *queues, text string, now time.Time) {
	if text == "" {
		return
	}
	digestAll(q, wire(text, ""), now)
}

// digestAll applies what is on the wire.
func digestAll(q *queues, raw string, now time.Time) {
	in := newFramer(strings.NewReader(raw))
	for {
		m, err := in.next()
		if err != nil {
			return
		}
		q.event(m.find("Event"), m, now)
	}
}

// learn applies a list as a session would, and ends it.
func learn(q *queues, m *model, now time.Time) {
	d := &queueDraft{}
	for _, item := range m.listOf() {
		q.item(d, ParseMessage(wire(item, "x")), now)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.commit(d, now)
}
