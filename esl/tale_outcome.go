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
		if d.Kind == ringside.LegVoicemail || d.Kind == ringside.LegAnnouncement || d.Answer.IsZero() {
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
	status, _ := ringside.StatusOfLegs(t.plain(), w.Cause)
	return status
}

// plain are the legs alone.
func (t *teller) plain() []ringside.Leg {
	all := make([]ringside.Leg, len(t.legs))
	for i := range t.legs {
		all[i] = t.legs[i].Leg
	}
	return all
}
