package esl

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// answer is when somebody answered the call: who was called, an agent, or who took it out of parking. An
// application, such as voicemail or an announcement, is nobody.
func (t *teller) answer() (at time.Time) {
	for _, d := range t.legs {
		if d.Kind == legVoicemail || d.Kind == legAnnouncement || d.Answer.IsZero() {
			continue
		}
		if at.IsZero() || d.Answer.Before(at) {
			at = d.Answer
		}
	}
	if at.IsZero() && !t.onlyLoopbacks() {
		at = t.talked
	}
	return at
}

// onlyLoopbacks reports whether all who were called are loopbacks, which talk to whatever they lead to.
func (t *teller) onlyLoopbacks() bool {
	return !slices.ContainsFunc(t.parts, func(p *part) bool { return p.outbound && !loopback(p.name) })
}

// status is how the call ended, in the CRM's words.
func (t *teller) status(w *ringside.Witnessed) ringside.Status {
	if !w.Answer.IsZero() {
		return ringside.StatusAnswered
	}
	var last *draft
	results := map[string]bool{}
	for i := range t.legs {
		d := &t.legs[i]
		switch d.Kind {
		case legVoicemail, legAnnouncement:
			return ringside.StatusNoAnswer
		case legDial, legQueue, legPark:
			results[d.Result] = true
			if last == nil || d.End.After(last.End) {
				last = d
			}
		}
	}
	switch {
	case last == nil:
		return statusByCause(w.Cause)
	case last.Result == string(ringside.DialCancelled), last.Result == staysLeft:
		return ringside.StatusAbandoned
	case results[string(ringside.DialNoAnswer)], results[staysTimeout]:
		return ringside.StatusNoAnswer
	case results[string(ringside.DialBusy)]:
		return ringside.StatusBusy
	}
	return ringside.StatusFailed
}

// statusByCause is the status of a call that reached nobody: the caller left, or FreeSWITCH refused it.
func statusByCause(cause ringside.HangupCause) ringside.Status {
	switch cause {
	case ringside.CauseUnknown, ringside.CauseNormal, 26, 31, 127:
		return ringside.StatusAbandoned
	case ringside.CauseBusy:
		return ringside.StatusBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.StatusNoAnswer
	}
	return ringside.StatusFailed
}
