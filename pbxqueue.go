package ringside

import "time"

// PBXQueue is a queue of the PBX itself (Asterisk's app_queue, FreeSWITCH's callcenter), as it is known
// at one moment.
type PBXQueue struct {
	Name     string `json:"queue"`
	Strategy string `json:"strategy,omitempty"`
	// Max is how many may wait; 0 is no limit.
	Max    int `json:"max"`
	Weight int `json:"weight,omitempty"`
	// HoldTime and TalkTime are the PBX's moving averages, in seconds.
	HoldTime int `json:"holdtime"`
	TalkTime int `json:"talktime"`
	// Completed and Abandoned count since the PBX's start, or since its counters were reset.
	Completed int `json:"completed"`
	Abandoned int `json:"abandoned"`
	// ServiceLevel is the limit in seconds, ServiceLevelPerf the share of calls within it, in percent.
	ServiceLevel     int              `json:"service_level"`
	ServiceLevelPerf float64          `json:"service_level_perf"`
	Members          []PBXQueueMember `json:"members"`
	Callers          []PBXQueueCaller `json:"callers"`
	// Checked is when the queue was last compared with the PBX, Changed when an event last changed it.
	Checked time.Time `json:"checked"`
	Changed time.Time `json:"changed,omitzero"`
	// Stale: the PBX can't be asked since Checked or Changed, whichever is later.
	Stale bool `json:"stale,omitempty"`
}

// PBXQueueMember is a member of a queue.
type PBXQueueMember struct {
	Name      string `json:"name"`
	Interface string `json:"interface"`
	// Number is the extension that the interface belongs to, if it is one.
	Number string `json:"number,omitempty"`
	// Membership is "static", "dynamic" or "realtime".
	Membership   string      `json:"membership,omitempty"`
	Penalty      int         `json:"penalty"`
	CallsTaken   int         `json:"calls_taken"`
	LastCall     time.Time   `json:"last_call,omitzero"`
	InCall       bool        `json:"in_call"`
	State        DeviceState `json:"state"`
	Paused       bool        `json:"paused"`
	PausedReason string      `json:"paused_reason,omitempty"`
	PausedSince  time.Time   `json:"paused_since,omitzero"`
	// WrapUp is how long the member rests after a call, in seconds.
	WrapUp int `json:"wrapup_time,omitempty"`
}

// Free reports whether the member can be rung now.
func (m PBXQueueMember) Free() bool {
	return !m.Paused && !m.InCall && (m.State == DeviceIdle || m.State == DeviceUnknown)
}

// PBXQueueCaller is somebody who waits in a queue.
type PBXQueueCaller struct {
	Position int       `json:"position"`
	Channel  string    `json:"channel"`
	ID       string    `json:"id"`
	Number   string    `json:"caller"`
	Name     string    `json:"caller_name,omitempty"`
	Since    time.Time `json:"since"`
}

// PBXQueueSummary is a queue in figures.
type PBXQueueSummary struct {
	Queue     string `json:"queue"`
	Waiting   int    `json:"calls_waiting"`
	Available int    `json:"available_agents"`
	Busy      int    `json:"busy_agents"`
	Paused    int    `json:"paused_agents"`
	Agents    int    `json:"total_agents"`
	// LongestWait, HoldTime and TalkTime are in seconds.
	LongestWait      int       `json:"longest_wait"`
	HoldTime         int       `json:"avg_hold_time"`
	TalkTime         int       `json:"avg_talk_time"`
	Completed        int       `json:"completed_calls"`
	Abandoned        int       `json:"abandoned_calls"`
	ServiceLevel     int       `json:"service_level"`
	ServiceLevelPerf float64   `json:"service_level_perf"`
	Checked          time.Time `json:"checked"`
	Changed          time.Time `json:"changed,omitzero"`
	Stale            bool      `json:"stale,omitempty"`
}

// Summary puts the queue into figures at the given time.
func (q *PBXQueue) Summary(now time.Time) PBXQueueSummary {
	s := PBXQueueSummary{
		Queue: q.Name, Waiting: len(q.Callers), Agents: len(q.Members),
		HoldTime: q.HoldTime, TalkTime: q.TalkTime, Completed: q.Completed, Abandoned: q.Abandoned,
		ServiceLevel: q.ServiceLevel, ServiceLevelPerf: q.ServiceLevelPerf,
		Checked: q.Checked, Changed: q.Changed, Stale: q.Stale,
	}
	for _, m := range q.Members {
		switch {
		case m.Paused:
			s.Paused++
		case m.Free():
			s.Available++
		case m.InCall || m.State.Engaged():
			s.Busy++
		}
	}
	for _, c := range q.Callers {
		s.LongestWait = max(s.LongestWait, wholeSeconds(c.Since, now))
	}
	return s
}

// QueueMemberRequest changes a queue's member.
type QueueMemberRequest struct {
	// Queue is the queue's name; empty is all queues of the member, where that makes sense.
	Queue string `json:"queue,omitempty"`
	// Number is the extension.
	Number string `json:"number"`
	// Name is what the member is called in reports; empty is the directory's name.
	Name    string `json:"name,omitempty"`
	Penalty int    `json:"penalty,omitempty"`
	Paused  bool   `json:"paused,omitempty"`
	// Reason is why the member is paused.
	Reason string `json:"reason,omitempty"`
}

// Validate gives an *InvalidError for what can't be meant.
func (r QueueMemberRequest) Validate() error {
	switch {
	case r.Queue != "" && !QueueName(r.Queue):
		return invalid("queue", "%.100q is no queue's name", r.Queue)
	case !Dialable(r.Number):
		return invalid("number", "%.80q is no extension", r.Number)
	case r.Penalty < 0 || r.Penalty > 1000:
		return invalid("penalty", "%d is not between 0 and 1000", r.Penalty)
	case !line(r.Name) || len(r.Name) > maxNameBytes:
		return invalid("name", "is not one line of up to %d bytes", maxNameBytes)
	case !line(r.Reason) || len(r.Reason) > maxNameBytes:
		return invalid("reason", "is not one line of up to %d bytes", maxNameBytes)
	}
	return nil
}

// QueueName reports whether s may name a queue of a PBX: one line of up to 128 bytes.
func QueueName(s string) bool { return s != "" && len(s) <= 128 && line(s) }
