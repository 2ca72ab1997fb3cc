package ringside

import (
	"cmp"
	"slices"
	"time"
)

// Record makes the record of a call that ringside has not routed. Who called whom stays as the PBX
// said; whoever has a directory says more.
func (w *Witnessed) Record(node string) Call {
	c := Call{
		ID: CallID(node, w.CallID), Schema: CallSchema, Revision: 1, Node: node, PBX: w.PBX,
		Channel: w.Channel, Endpoint: w.Endpoint, Caller: w.Caller, CallerName: w.CallerName, Called: w.Called,
		Direction: Inbound, Cause: w.Cause, Start: w.Start, Legs: slices.Clone(w.Legs),
		RoutedTo: w.answered(), QueueWait: queueWait(w.Legs), Recording: w.Recording, CRMID: w.CRMID,
	}
	c.Status, c.Disposition = w.outcome()
	if c.Status == StatusAnswered {
		c.Answer = w.Answer
	}
	c.Finish(w.End)
	return c
}

// Direction corrects what a directory knows of the call's direction: a call from one of its devices
// went out if the PBX led it out, and stayed inside if it did not, whatever was dialled.
func (w *Witnessed) Direction(known Direction) Direction {
	switch {
	case known == Inbound:
		return Inbound
	case w.Outside:
		return Outbound
	}
	return Internal
}

// Complete gives what ringside's record of the call lacks as a later part for Call.Continue, with the
// legs that are to be added; false if it lacks nothing.
//
// What ringside knows it knows better than the PBX: who was rung in which attempt, and how the call
// ended. Only a record without an outcome, of a call that the dialplan carried out or that ringside was
// cut off from, takes the PBX's.
func (w *Witnessed) Complete(prev Call) (part Call, news bool) {
	part = prev
	part.Legs, part.Trace, part.QueueWait = nil, nil, 0
	for _, l := range w.Legs {
		// Of a call that ringside has served, an application is what asked ringside.
		if !prev.tells(&l) && (l.Kind != "application" || len(prev.Legs) == 0) {
			part.Legs = append(part.Legs, l)
		}
	}
	part.QueueWait = queueWait(part.Legs)
	// For ringside a caller who was transferred before anybody answered has left; somebody may answer there.
	takenAway := prev.Status == StatusAbandoned && prev.Disposition == EndAbandoned && w.Status == StatusAnswered &&
		slices.ContainsFunc(part.Legs, func(l Leg) bool { return l.person() })
	if !prev.settled() || takenAway {
		w.settle(&part)
	}
	if len(part.Legs) > 0 && w.End.After(part.End) {
		part.End = w.End
	}
	if part.RoutedTo == "" && part.Status == StatusAnswered {
		part.RoutedTo = w.answered()
	}
	part.Recording = cmp.Or(prev.Recording, w.Recording)
	part.CRMID = cmp.Or(prev.CRMID, w.CRMID)
	news = len(part.Legs) > 0 || part.Status != prev.Status || part.Disposition != prev.Disposition ||
		part.RoutedTo != prev.RoutedTo || part.Recording != prev.Recording || part.CRMID != prev.CRMID ||
		!part.End.Equal(prev.End)
	return part, news
}

// settle gives a call without an outcome the one that the PBX saw.
func (w *Witnessed) settle(c *Call) {
	status, disposition := w.outcome()
	c.Disposition, c.Cause = disposition, cmp.Or(w.Cause, c.Cause)
	if c.Status != StatusAnswered {
		c.Status = status
	}
	if status == StatusAnswered {
		if c.Answer.IsZero() || (!w.Answer.IsZero() && w.Answer.Before(c.Answer)) {
			c.Answer = w.Answer
		}
		c.RoutedTo = cmp.Or(w.answered(), c.RoutedTo)
	}
	if w.End.After(c.End.Add(sameMoment)) {
		c.End = w.End
	}
}

// sameMoment is how far apart ringside and the PBX may be in the time of one event.
const sameMoment = time.Second

// settled reports whether the call's outcome is known.
func (c *Call) settled() bool {
	switch c.Disposition {
	case "", EndDecided, EndReleased, EndInterrupted, EndLost, EndFailed:
		return false
	}
	return true
}

// tells reports whether the record has the leg already: the PBX's own, or ringside's of the same
// attempt.
func (c *Call) tells(l *Leg) bool {
	return slices.ContainsFunc(c.Legs, func(o Leg) bool {
		if o.PBXKey != "" || l.PBXKey == "" {
			return o.PBXKey == l.PBXKey
		}
		if o.End.IsZero() || o.Result == string(DialFailed) {
			return false // ringside was cut off from the attempt: the PBX knows how it went on
		}
		return o.covers(l)
	})
}

// covers reports whether other, which the PBX tells of, belongs to the attempt or stay l, which ringside
// made. What begins after the answer is somebody else's doing, such as a transfer.
func (l *Leg) covers(other *Leg) bool {
	if other.Start.Before(l.Start.Add(-sameMoment)) {
		return false
	}
	// A leg of the dialplan's may seem to begin before ringside's, which it follows, has ended.
	last := l.End.Add(-sameMoment)
	if !l.Answer.IsZero() {
		last = l.Answer
	}
	return other.Start.Before(last) || (other.Start.Before(l.Start.Add(sameMoment)) && l.like(other))
}

// like reports whether the two legs may be one attempt.
func (l *Leg) like(other *Leg) bool {
	if len(other.Targets) == 0 {
		return other.Kind == l.Kind
	}
	return slices.ContainsFunc(other.Targets, func(t string) bool { return slices.Contains(l.Targets, t) })
}

// heard is what a caller heard in place of a person; empty if nothing.
func (w *Witnessed) heard() Disposition {
	switch {
	case w.has("voicemail"):
		return EndVoicemail
	case w.has("announcement"):
		return EndAnnounced
	}
	return ""
}

// outcome is how the call ended. Who reached a machine only has reached nobody, as in ringside's own
// records.
func (w *Witnessed) outcome() (Status, Disposition) {
	status := w.Status
	if status == "" || status == StatusRinging {
		status = StatusAbandoned
		if !w.Answer.IsZero() {
			status = StatusAnswered
		}
	}
	switch status {
	case StatusAnswered:
		if heard := w.heard(); heard != "" && !slices.ContainsFunc(w.Legs, func(l Leg) bool { return l.person() }) {
			return StatusNoAnswer, heard
		}
		return status, EndTalked
	case StatusBusy:
		return status, EndBusy
	case StatusNoAnswer:
		return status, cmp.Or(w.heard(), EndNoAnswer)
	case StatusAbandoned:
		return status, EndAbandoned
	}
	if slices.ContainsFunc(w.Legs, func(l Leg) bool {
		return l.Result == string(DialUnavailable) || l.Result == string(DialCongested)
	}) {
		return status, EndUnavailable
	}
	return status, EndFailed
}

// person reports whether somebody answered, not a machine.
func (l *Leg) person() bool {
	return !l.Answer.IsZero() && l.Kind != "voicemail" && l.Kind != "announcement"
}

func (w *Witnessed) has(kind string) bool {
	return slices.ContainsFunc(w.Legs, func(l Leg) bool { return l.Kind == kind })
}

// answered is who was the first to answer.
func (w *Witnessed) answered() string {
	for _, l := range w.Legs {
		if l.person() && l.Answered != "" {
			return l.Answered
		}
	}
	return ""
}

// queueWait is how long the caller stood in queues, in whole seconds.
func queueWait(legs []Leg) (seconds int) {
	for _, l := range legs {
		if l.Kind != "queue" {
			continue
		}
		end := l.End
		if !l.Answer.IsZero() {
			end = l.Answer
		}
		seconds += wholeSeconds(l.Start, end)
	}
	return seconds
}
