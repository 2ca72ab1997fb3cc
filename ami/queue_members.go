package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// memberChanged applies an event that tells all about a member.
func (q *queues) memberChanged(k *queue, w *said, now time.Time) (fits bool) {
	m := k.members[string(w.text[fMember])]
	if m == nil {
		return false
	}
	// In 16, the status comes before AgentConnect and says that there is no call yet; it ends with
	// AgentComplete.
	call := m.InCall && memberState(w.num[fStatus]).Engaged()
	w.change(m, now)
	m.InCall = m.InCall || call
	return true
}

func (q *queues) memberAdded(k *queue, w *said, now time.Time) (fits bool) {
	if m := k.members[string(w.text[fMember])]; m != nil {
		w.change(m, now)
		return true
	}
	if len(w.text[fMember]) == 0 || len(w.text[fMember]) > maxQueueText || q.members >= maxMembers {
		return false
	}
	q.addMember(k, w, now)
	q.members++
	return true
}

func (q *queues) addMember(k *queue, w *said, now time.Time) {
	m := &ringside.PBXQueueMember{Interface: string(clip(w.text[fMember]))}
	m.Number = q.number(m.Interface)
	w.change(m, now)
	k.members[m.Interface] = m
}

func (q *queues) memberRemoved(k *queue, w *said) (fits bool) {
	if k.members[string(w.text[fMember])] == nil {
		return false
	}
	delete(k.members, string(w.text[fMember]))
	q.members--
	return true
}

// change makes a member what was said.
func (w *said) change(m *ringside.PBXQueueMember, now time.Time) {
	set(&m.Name, w.text[fName])
	set(&m.Membership, w.text[fMembership])
	m.Penalty, m.CallsTaken, m.WrapUp = w.num[fPenalty], w.num[fTaken], w.num[fWrapUp]
	m.LastCall = unix(w.num[fLastCall])
	m.InCall = w.num[fInCall] != 0
	m.State = memberState(w.num[fStatus])
	was := m.Paused
	m.Paused = w.num[fPaused] != 0
	switch {
	case !m.Paused:
		// A reason that comes with the end of a pause is why it ends.
		m.PausedReason, m.PausedSince = "", time.Time{}
	case w.num[fLastPause] > 0:
		m.PausedSince = unix(w.num[fLastPause])
		set(&m.PausedReason, w.text[fReason])
	default:
		if !was {
			m.PausedSince = now
		}
		set(&m.PausedReason, w.text[fReason])
	}
}
